-- KEYS lease, calls, call, ...; ARGV fence, id, ... Which of these calls have no record, or are not in the index.
-- include fence
local missing = {'OK', 0}
for i = 2, #ARGV do
  if redis.call('EXISTS', KEYS[i + 1]) == 0 or redis.call('SISMEMBER', KEYS[2], ARGV[i]) == 0 then
    missing[#missing + 1] = ARGV[i]
    missing[2] = missing[2] + 1
  end
end
return missing
