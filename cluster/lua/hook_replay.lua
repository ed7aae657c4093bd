-- KEYS stream of a webhook, its dead letters, what is to be replayed; ARGV group, 'id', 'since' or 'dead', and the event's id, or the ms. How many are
-- posted once more; -1: all since then.
local function fields(entry)
  local out = {}
  for i = 1, #entry[2], 2 do
    out[entry[2][i]] = entry[2][i + 1]
  end
  return out
end
local function again(...)
  redis.call('XADD', KEYS[3], 'MAXLEN', 1000, '*', ...)
  redis.call('EXPIRE', KEYS[3], 1209600)
end
if ARGV[2] == 'since' then
  local before = ARGV[3] == '0' and '0-0' or string.format('%.0f-18446744073709551615', tonumber(ARGV[3]) - 1)
  if not redis.pcall('XGROUP', 'SETID', KEYS[1], ARGV[1], before).ok then
    return {'OK', 0}
  end
  return {'OK', -1}
end
local count = 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  local f = fields(entry)
  if ARGV[2] == 'dead' or f.id == ARGV[3] then
    again('id', f.id, 'body', f.body)
    redis.call('XDEL', KEYS[2], entry[1])
    count = count + 1
  end
end
if count == 0 and ARGV[2] == 'id' then
  local found = redis.pcall('XRANGE', KEYS[1], ARGV[3], ARGV[3])
  if not found.err and found[1] then
    again('id', ARGV[3], 'event', fields(found[1]).event or '')
    count = 1
  end
end
return {'OK', count}
