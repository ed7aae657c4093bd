-- KEYS lease, records, broken; ARGV fence, id, what was read (aside.lua). As aside.lua, for a field, which becomes a key of its own.
-- include fence
-- include aside
local record = redis.call('HGET', KEYS[2], ARGV[2])
if not record or not is_seen(record, ARGV[3]) then
  return {'OK', 0}
end
redis.call('SET', KEYS[3], record, 'PX', 2592000000)
redis.call('HDEL', KEYS[2], ARGV[2])
return {'OK', 1}
