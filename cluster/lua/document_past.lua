-- What documents were before their last changes: of each the newest 16 texts, or 4 of large ones, of a tenant's 512 documents that changed last,
-- for 90 days. Each is the version that it was, a space, and the text. KEYS, ARGV: as in document_shared. Sessions, tokens, agents and callbacks are good
-- for what they are now alone, and sets keep versions of their own.
local without_past = { session = true, token = true, agent = true, callback = true, set = true }
local function past(version, name)
  name = name or ARGV[3]
  local was = redis.call('HGET', KEYS[1], name)
  if not was or without_past[ARGV[2]] then
    return
  end
  local index = string.gsub(KEYS[1], ':doc:[^:]*$', ':past')
  local key = index .. ':' .. ARGV[2] .. ':' .. name
  redis.call('LPUSH', key, (redis.call('HGET', KEYS[2], name) or '0') .. ' ' .. was)
  redis.call('LTRIM', key, 0, #was > 8192 and 3 or 15)
  redis.call('EXPIRE', key, 7776000)
  redis.call('ZADD', index, version, ARGV[2] .. ':' .. name)
  redis.call('EXPIRE', index, 7776000)
  while redis.call('ZCARD', index) > 512 do
    redis.call('DEL', index .. ':' .. redis.call('ZPOPMIN', index)[1])
  end
end
