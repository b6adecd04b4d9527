"""The Lua that sends failed tasks again. Each script is one step that nobody can be half way in.

What is to be sent lies in a list, each entry packed as [lane, old id, new id, message]; what is sent leaves it in the
same step. `again` is a sorted set of the ids that were sent again, by when: of two requeues one sends a task.
"""

BEGIN = """
-- KEYS: about, todo. ARGV: seconds kept, first ids, lanes
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('UNLINK', KEYS[2]); return 0 end
redis.call('HSET', KEYS[1], 'state', 'sending', 'todo', KEYS[2], 'lanes', ARGV[3],
  'total', redis.call('LLEN', KEYS[2]), 'sent', 0, 'doubled', 0, 'first', ARGV[2])
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
local entries, sent, doubled, refused = redis.call('LRANGE', KEYS[2], 0, ARGV[1] - 1), 0, 0, nil
for _, entry in ipairs(entries) do
  local task = cmsgpack.unpack(entry)
  if redis.call('ZADD', KEYS[3], 'NX', ARGV[2], task[2]) == 1 then
    local pushed = redis.pcall('LPUSH', KEYS[3 + task[1]], task[4])
    if type(pushed) == 'table' and pushed.err then redis.call('ZREM', KEYS[3], task[2]); refused = pushed; break end
    sent = sent + 1
  else
    doubled = doubled + 1
  end
end
redis.call('LTRIM', KEYS[2], sent + doubled, -1)
sent = redis.call('HINCRBY', KEYS[1], 'sent', sent)
doubled = redis.call('HINCRBY', KEYS[1], 'doubled', doubled)
if refused then return refused end
if redis.call('LLEN', KEYS[2]) > 0 then return {'sending', sent, doubled} end
redis.call('HSET', KEYS[1], 'state', 'done')
return {'done', sent, doubled}
"""
"""The mark comes before the message: what breaks in between sends nothing twice, and a refusal takes it back. What an
ACL could refuse at the end is tried at the beginning, where nothing is done yet."""

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
