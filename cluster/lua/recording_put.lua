-- KEYS days, entries of a day, index of that day; ARGV put, end, state or remove, name, entry, state, seconds that it lives, day,
-- first day that is kept, what entries of this node have in them, three by which it is
-- found: party, party, mailbox.
-- All but put leave an entry of another node as it is. state: what is there, with that state. How many keys were set aside.
-- include recording_keys
local aside = recording_keys({'zset', 'hash', 'zset'})
local act, name, entry, life = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
local old = redis.call('HGET', KEYS[2], name)
if act ~= 'put' and old and not string.find(old, ARGV[8], 1, true) then
  return {'OK', aside}
end
if act == 'state' and not old then
  return {'OK', aside}
end
if act == 'state' then
  entry = string.gsub(old, '"state":"%l+"', '"state":"' .. ARGV[4] .. '"', 1)
end
for _, state in ipairs({'kept', 'waits', 'delivered', 'dead', 'deleted', 'lost'}) do
  redis.call('ZREM', KEYS[3], 's' .. state .. '\0' .. name)
end
if act == 'remove' then
  redis.call('HDEL', KEYS[2], name)
  redis.call('ZREM', KEYS[3], 'n' .. name)
  for i = 9, 11 do
    redis.call('ZREM', KEYS[3], 'p' .. ARGV[i] .. '\0' .. name)
  end
  return {'OK', aside}
end
redis.call('HSET', KEYS[2], name, entry)
redis.call('ZADD', KEYS[3], 0, 'n' .. name, 0, 's' .. ARGV[4] .. '\0' .. name)
local mailbox = old and string.match(old, '"mailbox":"([^"]*)"')
if mailbox and act == 'put' then
  redis.call('ZREM', KEYS[3], 'pmailbox:' .. mailbox .. '\0' .. name)
end
for i = 9, 11 do
  if act ~= 'state' and ARGV[i] ~= '' then
    redis.call('ZADD', KEYS[3], 0, 'p' .. ARGV[i] .. '\0' .. name)
  end
end
redis.call('ZADD', KEYS[1], 0, ARGV[6])
redis.call('ZREMRANGEBYLEX', KEYS[1], '-', '(' .. ARGV[7])
redis.call('EXPIRE', KEYS[2], life)
redis.call('EXPIRE', KEYS[3], life)
if redis.call('TTL', KEYS[1]) < life then
  redis.call('EXPIRE', KEYS[1], life)
end
return {'OK', aside}
