-- KEYS lease, toll of a day; ARGV fence, name, ms. It has cost so much more, or less.
-- include fence
redis.call('HINCRBY', KEYS[2], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], 172800000)
return {'OK', 1}
