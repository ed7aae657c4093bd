-- KEYS lease; ARGV fence, length in ms.
-- include fence
-- include now
redis.call('HSET', KEYS[1], 'until', string.format('%d', now + ARGV[2]))
return {'OK', lease[2]}
