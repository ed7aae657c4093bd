-- KEYS park; ARGV slot, call, what lies beside it, how many slots there may be.
-- The call that has a slot keeps it, and may replace the value. 1: the slot is the call's; 0: there
-- is no room; 2: another call has it, and its value.
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value and string.sub(value, 1, #ARGV[2] + 1) ~= ARGV[2] .. ' ' then
  return {'OK', 2, value}
end
if not value and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then
  return {'OK', 0}
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
return {'OK', 1}
