-- KEYS lease, calls, call, cdr, ended, records; ARGV fence, id, number, settled, longest stream, then field, value, ...
-- The CDR of a call that was answered while Redis was away, by a process that is gone: unless its record is here, or its end was.
-- include fence
if redis.call('EXISTS', KEYS[3]) == 1 or redis.call('HEXISTS', KEYS[6], ARGV[2]) == 1 or redis.call('ZSCORE', KEYS[5], ARGV[2]) then
  return {'OK', 0}
end
local args = {'XADD', KEYS[4], 'MAXLEN', '~', ARGV[5], '*', 'id', ARGV[2]}
for i = 6, #ARGV do
  args[#args + 1] = ARGV[i]
end
redis.call(unpack(args))
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[2])
return {'OK', 1}
