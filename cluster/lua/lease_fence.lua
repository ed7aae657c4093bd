-- KEYS lease, fence; ARGV fence. Checks that the sender owns the shard, and writes the owner's
-- fence again, which may have been deleted.
-- include fence
redis.call('SET', KEYS[2], ARGV[1])
return {'OK', lease[2]}
