-- KEYS documents, versions, generation; ARGV name. Version 0: there was none.
local version = 0
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then
  redis.call('HDEL', KEYS[2], ARGV[1])
  version = redis.call('INCR', KEYS[3])
end
return {'OK', version}
