-- KEYS lease; ARGV fence, id of a node: its owner would give the shard to that one.
-- include fence
redis.call('HSET', KEYS[1], 'offer', ARGV[2])
return {'OK', lease[2]}
