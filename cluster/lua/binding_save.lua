-- KEYS binding, aors; ARGV expected version (8 bytes), record (empty: delete), life in ms, member.
-- The same record again is a retry after a lost answer.
-- include version
local have = redis.call('GET', KEYS[1])
if version(have) ~= ARGV[1] and have ~= ARGV[2] then
  return {'CONFLICT', version(have)}
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  redis.call('SADD', KEYS[2], ARGV[4])
end
return {'OK'}
