-- KEYS lease, records; ARGV fence, id, ... Which of these calls have no record.
-- include fence
local missing = {'OK', 0}
for i = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 0 then
    missing[#missing + 1] = ARGV[i]
    missing[2] = missing[2] + 1
  end
end
return missing
