-- KEYS documents, versions, generation, log, history, set; ARGV tenant, kind, entries of the set that were moved, that will be then, and
-- of each document its name, version and text; '': it is deleted.
-- Who has moved entries meanwhile is ahead: nothing is moved twice. What was put since the set was made valid stays.
-- include document_shared
-- include document_past
local moved = number(redis.call('HGET', KEYS[6], 'moved'))
if moved ~= tonumber(ARGV[3]) or redis.call('EXISTS', KEYS[6]) == 0 then
  return {'OK', moved}
end
for i = 5, #ARGV, 3 do
  local name, version, text = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local has = redis.call('HGET', KEYS[2], name)
  if number(has) < tonumber(version) then
    past(version, name)
    if text ~= '' then
      redis.call('HSET', KEYS[1], name, text)
      redis.call('HSET', KEYS[2], name, version)
      tell(version, 'put', text, name)
    elseif redis.call('HDEL', KEYS[1], name) == 1 then
      redis.call('HDEL', KEYS[2], name)
      tell(version, 'delete', '', name)
    end
  end
end
redis.call('HSET', KEYS[6], 'moved', ARGV[4])
return {'OK', tonumber(ARGV[4])}
