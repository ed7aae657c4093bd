-- KEYS lease, calls, call, cdr, ended, records, toll of a day; ARGV fence, id, number, settled, longest stream, then field, value, ...
-- The CDRs of an end that may be in the stream already, all of them or none. calls and call are of older programs.
-- ended holds the number of each end that may be sent once more. Below settled nothing is.
-- include fence
-- include cdrs
-- A field "toll": a day, then names and what each has cost more. A key of another type must not lose the CDR.
local function toll_add(key, text)
  for name, ms in string.gmatch(text, ' (%S+) (%d+)') do
    redis.pcall('HINCRBY', key, name, ms)
  end
  redis.call('PEXPIRE', key, 172800000)
end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[4])
local added = 0
if not redis.call('ZSCORE', KEYS[5], ARGV[2]) then
  added = cdrs_append(KEYS[4], ARGV[5], ARGV[2], 6)
  redis.call('ZADD', KEYS[5], ARGV[3], ARGV[2])
  for i = 6, #ARGV, 2 do
    if ARGV[i] == 'toll' then
      toll_add(KEYS[7], ARGV[i + 1])
    end
  end
end
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[6], ARGV[2])
return {'OK', added}
