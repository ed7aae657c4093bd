-- KEYS documents, versions, generation, log, history, broken; ARGV tenant, kind, name, what was read (aside.lua). As aside.lua, for
-- a field; for other nodes it is deleted.
-- include aside
-- include document_shared
local text = redis.call('HGET', KEYS[1], ARGV[3])
if not text or not is_seen(text, ARGV[4]) then
  return {'OK', 0}
end
redis.call('HSET', KEYS[6], ARGV[3], text)
redis.call('PEXPIRE', KEYS[6], 2592000000)
redis.call('HDEL', KEYS[1], ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[3])
tell(redis.call('INCR', KEYS[3]), 'delete', '')
return {'OK', 1}
