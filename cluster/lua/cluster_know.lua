-- KEYS ids of this Redis; ARGV an id, when it is added: "never", "first" (if the set is empty),
-- "always".
-- 1: Redis has it; 2: nobody can say, since the key is of another type. And one of those that it has, the same for all who ask.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'set' and kind ~= 'none' then
  return {'OK', 2, ARGV[1]}
end
local ids = redis.call('SMEMBERS', KEYS[1])
if ARGV[2] == 'always' or (ARGV[2] == 'first' and #ids == 0) then
  redis.call('SADD', KEYS[1], ARGV[1])
  ids[#ids + 1] = ARGV[1]
end
table.sort(ids)
return {'OK', redis.call('SISMEMBER', KEYS[1], ARGV[1]), ids[1] or ''}
