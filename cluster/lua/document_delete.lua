-- KEYS documents, versions, generation, log, history, set that is moved; ARGV tenant, kind, name, version that is meant, generation known, whether
-- that is exact. Version 0: there was none.
-- include document_shared
-- include document_past
-- include document_known
local now = number(redis.call('GET', KEYS[3]))
if is_behind(now) then
  return conflict(now)
end
if redis.call('HEXISTS', KEYS[1], ARGV[3]) == 0 then
  return {'OK', 0}
end
local version = redis.call('INCR', KEYS[3])
past(version)
redis.call('HDEL', KEYS[1], ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[3])
tell(version, 'delete', '')
return {'OK', version}
