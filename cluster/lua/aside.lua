-- Whether a value is still the one that was read: its SHA-1, or ">N" for one of more than N bytes.
local function is_seen(value, seen)
  if string.sub(seen, 1, 1) == '>' then
    return #value > tonumber(string.sub(seen, 2))
  end
  return redis.sha1hex(value) == seen
end
-- Takes a broken record out of the way for 30 days, or forgets an index entry without a record. Should the record have
-- changed since it was read (seen), nothing. Whether a record was taken.
local function aside(record, index, broken, member, seen)
  local kind = redis.call('TYPE', record).ok
  if kind == 'string' and not is_seen(redis.call('GET', record), seen) then
    return 0
  end
  redis.call('SREM', index, member)
  if kind == 'none' then
    return 0
  end
  redis.call('RENAME', record, broken)
  redis.call('PEXPIRE', broken, 2592000000)
  return 1
end
