-- Appends the CDRs of a call's end under that number, unless this was done before, and deletes the
-- call's record. Needs cdrs_append.
-- A field "toll": a day, then names and what each has cost more. A key of another type must not lose the CDR.
local function toll_add(key, text)
  for name, ms in string.gmatch(text, ' (%S+) (%d+)') do
    redis.pcall('HINCRBY', key, name, ms)
  end
  redis.call('PEXPIRE', key, 172800000)
end
local function ended(number)
  local added = 0
  if not redis.call('ZSCORE', KEYS[5], ARGV[2]) then
    added = cdrs_append(KEYS[4], ARGV[5], ARGV[2], 6)
    redis.call('ZADD', KEYS[5], number, ARGV[2])
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
end
