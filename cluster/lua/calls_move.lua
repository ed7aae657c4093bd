-- KEYS lease, calls, records, marker, then a key for each id; ARGV fence, marker, id, ...
-- Older programs kept the record of a call under a key of its own, and the ids of all in a set. They go into one hash. What is no
-- string is set aside for 30 days. The marker makes an older program refuse to start: it would know of no call.
-- include fence
local aside = 0
for i = 3, #ARGV do
  local key = KEYS[i + 2]
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then
    redis.call('HSETNX', KEYS[3], ARGV[i], redis.call('GET', key))
    redis.call('DEL', key)
  elseif kind ~= 'none' then
    redis.call('RENAME', key, 'td:broken:' .. key)
    redis.call('PEXPIRE', 'td:broken:' .. key, 2592000000)
    aside = aside + 1
  end
  redis.call('SREM', KEYS[2], ARGV[i])
end
redis.call('SET', KEYS[4], ARGV[2])
redis.call('SADD', KEYS[2], 'moved')
return {'OK', aside}
