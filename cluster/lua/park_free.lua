-- KEYS park; ARGV slot, call. A slot of another call stays. 1: it was this one's; 0: it is empty; 2: what is there.
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then
  return {'OK', 0}
end
if string.sub(value, 1, #ARGV[2] + 1) ~= ARGV[2] .. ' ' then
  return {'OK', 2, value}
end
redis.call('HDEL', KEYS[1], ARGV[1])
return {'OK', 1}
