-- KEYS lease, fence; ARGV fence. Whose the shard is. The owner's fence is written again, which somebody may have taken away.
-- include fence
redis.call('SET', KEYS[2], ARGV[1])
return {'OK', lease[2]}
