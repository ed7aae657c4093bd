-- KEYS lease, calls, call, cdr, ended, records; ARGV fence, id, number, settled, longest stream, then field, value, ...
-- Of an end that may be in the stream already. calls and call are of older programs.
-- ended holds the number of each end that may be sent once more. Below settled nothing is.
-- include fence
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[4])
local added = 0
if not redis.call('ZSCORE', KEYS[5], ARGV[2]) then
  local args = {'XADD', KEYS[4], 'MAXLEN', '~', ARGV[5], '*', 'id', ARGV[2]}
  for i = 6, #ARGV do
    args[#args + 1] = ARGV[i]
  end
  redis.call(unpack(args))
  redis.call('ZADD', KEYS[5], ARGV[3], ARGV[2])
  added = 1
end
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[6], ARGV[2])
return {'OK', added}
