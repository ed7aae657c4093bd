-- KEYS documents, versions, generation; ARGV name, how long it may be.
-- Version, generation, length (-1: no such document) and text, where it is not longer.
local function number(text)
  return tonumber(text or '') or 0
end
local version = number(redis.call('HGET', KEYS[2], ARGV[1]))
local now = number(redis.call('GET', KEYS[3]))
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return {'OK', version, now, -1}
end
local length = redis.call('HSTRLEN', KEYS[1], ARGV[1])
if length > tonumber(ARGV[2]) then
  return {'OK', version, now, length}
end
return {'OK', version, now, length, redis.call('HGET', KEYS[1], ARGV[1])}
