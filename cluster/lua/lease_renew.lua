-- KEYS lease; ARGV fence, renewal, names, length in ms. For "until" see lease_acquire. Who wants the shard is told once: it says it
-- again as long as it does.
-- include fence
redis.call('HSET', KEYS[1], 'until', '-', 'renewal', ARGV[2], 'named', ARGV[3], 'length', ARGV[4])
local want = redis.call('HGET', KEYS[1], 'want')
if want then
  redis.call('HDEL', KEYS[1], 'want')
end
return {'OK', lease[2], want or ''}
