-- KEYS[1] lease; ARGV[1] fence. What the owner of the shard may do, nobody else may.
local lease = redis.call('HMGET', KEYS[1], 'fence', 'counter', 'incarnation')
if not lease[1] then
  return {'MISSING'}
end
if lease[1] ~= ARGV[1] then
  return {'FENCED', lease[2], lease[3]}
end
