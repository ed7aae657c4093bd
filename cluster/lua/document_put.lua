-- KEYS documents, versions, generation, log, history, set that is moved; ARGV tenant, kind, name, version it was made of, generation known, whether
-- that is exact, json.
-- include document_shared
-- include document_past
-- include document_known
local now = number(redis.call('GET', KEYS[3]))
if is_behind(now) then
  return conflict(now)
end
local version = redis.call('INCR', KEYS[3])
past(version)
redis.call('HSET', KEYS[1], ARGV[3], ARGV[7])
redis.call('HSET', KEYS[2], ARGV[3], version)
tell(version, 'put', ARGV[7])
return {'OK', version}
