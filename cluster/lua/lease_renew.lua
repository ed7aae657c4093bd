-- KEYS lease; ARGV fence, renewal, names, length in ms. For "until" see lease_acquire.
-- include fence
redis.call('HSET', KEYS[1], 'until', '-', 'renewal', ARGV[2], 'named', ARGV[3], 'length', ARGV[4])
return {'OK', lease[2]}
