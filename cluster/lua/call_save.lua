-- KEYS lease, calls, call; ARGV fence, id, record. The newest version stays.
-- include fence
-- include above
local have = redis.call('GETRANGE', KEYS[3], 8, 15)
if #have == 8 and above(have, string.sub(ARGV[3], 9, 16)) then
  return {'OLDER', have}
end
redis.call('SET', KEYS[3], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[2])
return {'OK'}
