-- KEYS days; ARGV first, last, how many. The days that may have recordings.
-- include recording_keys
recording_keys({'zset'})
local days = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
return {'OK', #days, unpack(days)}
