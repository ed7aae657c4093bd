-- KEYS documents, versions, generation, log, history, pending, set, set of before, generations of other tenants; ARGV tenant, kind, name,
-- version it was made of, generation known, '1', json, 'begin' or 'end', changes of the tenant, and of each other one its name, the
-- generation known and its changes.
-- 'begin' makes a set valid: its changes have their versions from then on, and a node that knows an
-- older generation of these tenants changes nothing of them. One set at a time.
-- 'end': all was moved.
-- include document_shared
-- include document_known
local now = number(redis.call('GET', KEYS[3]))
local begins = ARGV[8] == 'begin'
if begins then
  if is_behind(now) or redis.call('EXISTS', KEYS[6]) == 1 then
    return conflict(now)
  end
  local count = tonumber(ARGV[9])
  for i = 9, #KEYS do
    count = count + tonumber(ARGV[12 + 3 * (i - 9)])
    if number(redis.call('GET', KEYS[i])) ~= tonumber(ARGV[11 + 3 * (i - 9)]) then
      return conflict(now)
    end
  end
  if redis.call('PERSIST', KEYS[7]) == 0 and count > 0 then
    return {'REFUSED'}
  end
elseif present() ~= tonumber(ARGV[4]) then
  return {'OK', 0}
end
local version = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[3], ARGV[7])
redis.call('HSET', KEYS[2], ARGV[3], version)
tell(version, 'put', ARGV[7])
if begins then
  redis.call('HSET', KEYS[6], ARGV[1], redis.call('INCRBY', KEYS[3], ARGV[9]))
  for i = 9, #KEYS do
    local at = 10 + 3 * (i - 9)
    redis.call('HSET', KEYS[6], ARGV[at], redis.call('INCRBY', KEYS[i], ARGV[at + 2]))
  end
else
  redis.call('DEL', KEYS[6])
  redis.call('UNLINK', KEYS[8])
end
return {'OK', version}
