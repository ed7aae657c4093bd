-- KEYS documents, versions, generation, log, history; ARGV tenant, kind, name, history, version, json.
-- Puts a document unless Redis has it in this version or a later one; without a text it deletes an
-- older one. Without a name: the generation is this version at least.
-- include document_shared
redis.call('SET', KEYS[5], ARGV[4], 'NX')
local version = tonumber(ARGV[5])
if ARGV[3] == '' then
  if number(redis.call('GET', KEYS[3])) < version then
    redis.call('SET', KEYS[3], ARGV[5])
  end
  return {'OK', 0}
end
if redis.call('HEXISTS', KEYS[1], ARGV[3]) == 1 and present() >= version then
  return {'OK', 0}
end
if ARGV[6] == '' then
  if redis.call('HDEL', KEYS[1], ARGV[3]) == 0 then
    return {'OK', 0}
  end
  redis.call('HDEL', KEYS[2], ARGV[3])
  tell(ARGV[5], 'delete', '')
  return {'OK', 1}
end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[6])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[5])
tell(ARGV[5], 'restore', ARGV[6])
return {'OK', 1}
