-- KEYS kept (sorted set: holders of places, by expiry in ms); ARGV holder, lifetime (ms; 0: release), places (0: unlimited).
-- A holder keeps its place when the number of places shrinks. Version 1: it has a place; 0: it has none.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most = tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return {'OK', 0}
end
if most > 0 and redis.call('ZCARD', KEYS[1]) >= most and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return {'OK', 0}
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIREAT', KEYS[1], redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
return {'OK', 1}
