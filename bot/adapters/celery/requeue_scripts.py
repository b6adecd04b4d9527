"""The Lua that sends failed tasks again. Each script is one step that nobody can be half way in.

What is to be sent lies in a list, three elements for each task: lane, old id, message; what is sent leaves it in the
same step. `again` is a sorted set of the ids that were sent again, by when: of two requeues one sends a task.
"""

BEGIN = """
-- KEYS: about, todo. ARGV: seconds kept, first ids, lanes
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('UNLINK', KEYS[2]); return 0 end
redis.call('HSET', KEYS[1], 'state', 'sending', 'todo', KEYS[2], 'lanes', ARGV[3],
  'total', redis.call('LLEN', KEYS[2]) / 3, 'sent', 0, 'doubled', 0, 'first', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""

SEND = """
-- KEYS: about, todo, again, lanes. ARGV: most, now, forgotten before
local was = redis.call('HMGET', KEYS[1], 'state', 'sent', 'doubled')
if was[1] ~= 'sending' then return was end
redis.call('HINCRBY', KEYS[1], 'sent', 0)
redis.call('LTRIM', KEYS[2], 0, -1)
local forgotten = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[3], 'LIMIT', 0, 500)
if #forgotten > 0 then redis.call('ZREM', KEYS[3], unpack(forgotten)) end
local todo, done, sent, refused = redis.call('LRANGE', KEYS[2], 0, 3 * ARGV[1] - 1), 0, 0, nil
while done < #todo and not refused do
  local lane, upto, ids = todo[done + 1], done, {}
  while todo[upto + 1] == lane do ids[#ids + 1] = todo[upto + 2]; upto = upto + 3 end
  local before, marks, new, messages = redis.call('ZMSCORE', KEYS[3], unpack(ids)), {}, {}, {}
  for i, id in ipairs(ids) do if not before[i] and not new[id] then
    new[id] = true
    marks[#marks + 1] = ARGV[2]; marks[#marks + 1] = id
    messages[#messages + 1] = todo[done + 3 * i]
  end end
  if #messages > 0 then
    redis.call('ZADD', KEYS[3], unpack(marks))
    local pushed = redis.pcall('LPUSH', KEYS[3 + lane], unpack(messages))
    if type(pushed) == 'table' and pushed.err then
      for id in pairs(new) do redis.call('ZREM', KEYS[3], id) end
      refused = pushed
    end
  end
  if not refused then done = upto; sent = sent + #messages end
end
redis.call('LTRIM', KEYS[2], done, -1)
local doubled = redis.call('HINCRBY', KEYS[1], 'doubled', done / 3 - sent)
sent = redis.call('HINCRBY', KEYS[1], 'sent', sent)
if refused then return refused end
if redis.call('LLEN', KEYS[2]) > 0 then return {'sending', sent, doubled} end
redis.call('HSET', KEYS[1], 'state', 'done')
return {'done', sent, doubled}
"""
"""Tasks of one lane that lie one behind the other are pushed at once. Their marks come before: what breaks in between
sends nothing twice, and a refusal takes them back. What an ACL could refuse at the end is tried at the beginning,
where nothing is done yet."""

STOP = """
-- KEYS: about, todo
if redis.call('HGET', KEYS[1], 'state') ~= 'sending' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'stopped')
redis.call('UNLINK', KEYS[2])
return 1
"""

MARK_TRIED = """
-- KEYS: about
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'tried', 1) end
return 1
"""
