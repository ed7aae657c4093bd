-- KEYS documents, versions, generation; ARGV name, json, version.
-- Puts a document where there is none of this version or a later one. Without a name: the generation is this version at least.
local function number(text)
  return tonumber(text or '') or 0
end
if ARGV[1] == '' then
  if number(redis.call('GET', KEYS[3])) < tonumber(ARGV[3]) then
    redis.call('SET', KEYS[3], ARGV[3])
  end
  return {'OK', 0}
end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 and number(redis.call('HGET', KEYS[2], ARGV[1])) >= tonumber(ARGV[3]) then
  return {'OK', 0}
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return {'OK', 1}
