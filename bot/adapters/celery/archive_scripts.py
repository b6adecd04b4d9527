"""The Lua that moves messages between a queue and its archive. Each script is one step that nobody can be half way in.

Every script is told which state it begins in, and does nothing in another: a step that is repeated, by whomever, is
harmless. `about` is a hash that says how far an archive is. Lists of a queue grow at the left, and its oldest message
is at the right. Bodies are never decoded here: that alone would hold up Redis for a second. What a Redis that is out of
memory refuses (HSET) comes first, so that it refuses the whole step.
"""

_RENAME_ALL = """
for i = 1, n do if lengths[i] > 0 then
  local said = redis.pcall('RENAME', KEYS[2 + i], KEYS[2 + n + i])
  if type(said) == 'table' and said.err then
    for j = 1, i - 1 do if lengths[j] > 0 then redis.call('RENAME', KEYS[2 + n + j], KEYS[2 + j]) end end
    redis.call('DEL', KEYS[2])
    redis.call('SREM', KEYS[1], ARGV[2])
    return said
  end
end end
"""
"""Redis takes back nothing of a script that it refuses in the middle (an ACL without `rename`, say): so we do."""

_BUSY = """
local stem = string.sub(KEYS[2], 1, #KEYS[2] - #ARGV[2])
for _, other in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local about = redis.call('HMGET', stem .. other, 'queue', 'state')
  local state = about[2]
  if about[1] == ARGV[3] and (state == 'sorting' or state == 'merging' or state == 'restoring') then
    return {'busy', other}
  end
end
"""
"""While another archive sorts that queue, or is put back, messages of it lie elsewhere: they would be missed."""

SET_ASIDE = """
-- KEYS: archives, about, live lanes, archive lanes. ARGV: lanes, id, queue, made_at, ends_at, least, most, steps, sep
if redis.call('EXISTS', KEYS[2]) == 1 then return {'known', tonumber(redis.call('HGET', KEYS[2], 'messages'))} end
BUSY
local n, total, lengths = tonumber(ARGV[1]), 0, {}
for i = 1, n do lengths[i] = redis.call('LLEN', KEYS[2 + i]); total = total + lengths[i] end
if total < tonumber(ARGV[6]) or total > tonumber(ARGV[7]) then return {'moved', total} end
redis.call('HSET', KEYS[2], 'queue', ARGV[3], 'made_at', ARGV[4], 'ends_at', ARGV[5], 'messages', total, 'kept', 0,
  'state', 'held', 'steps', ARGV[8], 'sep', ARGV[9])
redis.call('SADD', KEYS[1], ARGV[2])
RENAME_ALL
return {'held', total}
""".replace("RENAME_ALL", _RENAME_ALL).replace("BUSY", _BUSY)
"""All lanes at once, by renaming: as fast for a million messages as for one. Refused when the depth is not as told."""

BEGIN_SORTING = """
-- KEYS: archives, about, live lanes, work lanes.
-- ARGV: lanes, id, queue, made_at, ends_at, least, most, steps, sep, task, before, ids
if redis.call('EXISTS', KEYS[2]) == 1 then return {'known', 0} end
BUSY
local n, total, lengths = tonumber(ARGV[1]), 0, {}
for i = 1, n do lengths[i] = redis.call('LLEN', KEYS[2 + i]); total = total + lengths[i] end
if total < tonumber(ARGV[6]) or total > tonumber(ARGV[7]) then return {'moved', total} end
redis.call('HSET', KEYS[2], 'queue', ARGV[3], 'made_at', ARGV[4], 'ends_at', ARGV[5], 'messages', 0, 'kept', 0,
  'state', 'sorting', 'steps', ARGV[8], 'sep', ARGV[9], 'task', ARGV[10], 'before', ARGV[11],
  'ids', ARGV[12])
redis.call('SADD', KEYS[1], ARGV[2])
RENAME_ALL
return {'sorting', total}
""".replace("RENAME_ALL", _RENAME_ALL).replace("BUSY", _BUSY)

SORT_PAGE = """
-- KEYS: about, work lane, keep lane, archive lane. ARGV: length that the work lane must have, choices from the right
if redis.call('HGET', KEYS[1], 'state') ~= 'sorting' then return 'state' end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[1]) then return 'length' end
local chosen = 0
for i = 1, #ARGV[2] do
  if string.byte(ARGV[2], i) == 49 then
    redis.call('RPOPLPUSH', KEYS[2], KEYS[4]); chosen = chosen + 1
  else
    redis.call('RPOPLPUSH', KEYS[2], KEYS[3])
  end
end
redis.call('HINCRBY', KEYS[1], 'messages', chosen)
redis.call('HINCRBY', KEYS[1], 'kept', #ARGV[2] - chosen)
return 'done'
"""
"""The length tells whether another process sorted in between; then the page is read anew."""

END_SORTING = """
-- KEYS: about, work lanes. ARGV: none
if redis.call('HGET', KEYS[1], 'state') ~= 'sorting' then return 0 end
for i = 2, #KEYS do if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end end
redis.call('HSET', KEYS[1], 'state', 'merging')
return 1
"""

PUT_BACK = """
-- KEYS: about, live lanes, source lanes, tail lanes. ARGV: lanes, moves at once, state, state in between, state after
local n, budget, state = tonumber(ARGV[1]), tonumber(ARGV[2]), redis.call('HGET', KEYS[1], 'state')
if not state then return {'gone', 0} end
if state ~= ARGV[3] and state ~= ARGV[4] then return {state, 0} end
redis.call('HSET', KEYS[1], 'state', ARGV[4])
local left = 0
for i = 1, n do
  local live, source, tail = KEYS[1 + i], KEYS[1 + n + i], KEYS[1 + 2 * n + i]
  local held, newer = redis.call('LLEN', source), redis.call('LLEN', live)
  if held > 0 and redis.call('EXISTS', tail) == 0 then
    if newer == 0 then
      redis.call('RENAME', source, live)
    elseif newer <= held then
      redis.call('RENAME', live, tail)
      redis.call('RENAME', source, live)
    else
      local moved = math.min(held, budget)
      for _ = 1, moved do redis.call('RPUSH', live, redis.call('LPOP', source)) end
      budget = budget - moved
    end
  end
  local moved = math.min(redis.call('LLEN', tail), budget)
  for _ = 1, moved do redis.call('RPOPLPUSH', tail, live) end
  budget = budget - moved
  left = left + redis.call('LLEN', tail) + redis.call('LLEN', source)
end
if left == 0 then state = ARGV[5] end
if left == 0 then redis.call('HSET', KEYS[1], 'state', state) end
return {state, left}
"""
"""Older before newer. The shorter side is moved, piece by piece: what was set aside, to the right end; or what came
since, to the left end, and meanwhile it waits beside."""

DROP = """
-- KEYS: about, archive lanes
if redis.call('HGET', KEYS[1], 'state') ~= 'held' then return 0 end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('HDEL', KEYS[1], 'state')
return 1
"""
"""Without a state an archive is dropped: Redis allows no HSET when it is out of memory, and that is when one drops."""
