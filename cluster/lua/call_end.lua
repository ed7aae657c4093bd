-- KEYS lease, calls, call, cdr, ended, records; ARGV fence, id, number, settled, longest stream, then field, value, ...
-- The CDRs of an end that may be in the stream already, all of them or none. calls and call are of older programs.
-- ended holds the number of each end that may be sent once more. Below settled nothing is.
-- include fence
-- include cdrs
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[4])
local added = 0
if not redis.call('ZSCORE', KEYS[5], ARGV[2]) then
  added = cdrs_append(KEYS[4], ARGV[5], ARGV[2], 6)
  redis.call('ZADD', KEYS[5], ARGV[3], ARGV[2])
end
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[6], ARGV[2])
return {'OK', added}
