-- KEYS lease, records, ended; ARGV fence, id, ... Which of these calls have no record, behind those that have ended.
-- include fence
local over, missing = {}, {'OK', 0, {}}
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[3], ARGV[i]) then
    over[#over + 1] = ARGV[i]
  elseif redis.call('HEXISTS', KEYS[2], ARGV[i]) == 0 then
    missing[#missing + 1] = ARGV[i]
  end
end
missing[2], missing[3] = #missing - 3, over
return missing
