-- KEYS days; ARGV last, first, how many. The days that may have recordings, the last one first.
-- include recording_keys
recording_keys({'zset'})
local days = redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
return {'OK', #days, unpack(days)}
