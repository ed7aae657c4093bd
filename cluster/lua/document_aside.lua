-- KEYS documents, versions, broken; ARGV name, what was read (aside.lua). As aside.lua, for a field.
-- include aside
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text or not is_seen(text, ARGV[2]) then
  return {'OK', 0}
end
redis.call('HSET', KEYS[3], ARGV[1], text)
redis.call('PEXPIRE', KEYS[3], 2592000000)
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return {'OK', 1}
