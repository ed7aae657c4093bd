-- Takes a broken record out of the way for 30 days, or forgets an index entry without a record. Should the record have
-- changed since it was read (seen), nothing.
local function aside(record, index, broken, member, seen)
  local kind = redis.call('TYPE', record).ok
  if kind == 'string' and redis.call('GET', record) ~= seen then
    return
  end
  if kind ~= 'none' then
    redis.call('RENAME', record, broken)
    redis.call('PEXPIRE', broken, 2592000000)
  end
  redis.call('SREM', index, member)
end
