-- KEYS lease; ARGV fence, renewal. A write behind that renewal, for a WAIT to wait for: it says nothing to anybody. Not where the
-- renewal is not the last one: this may be another server, or it is late.
-- include fence
if redis.call('HGET', KEYS[1], 'renewal') ~= ARGV[2] then
  return {'PAST'}
end
redis.call('HSET', KEYS[1], 'kept', ARGV[2])
return {'OK'}
