-- KEYS what is known of a webhook, its stream, what is to be replayed; ARGV who asks, lease in ms, group, where a new group begins; figures: name,
-- value, to be added where the name begins with '+'. HELD: another one has it. Else: newest id of the stream, how much is to be replayed, and
-- how many events went from the stream unread since the last time.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local had = redis.call('HMGET', KEYS[1], 'owner', 'until', 'unread')
if had[1] and had[1] ~= ARGV[1] and tonumber(had[2]) > now then
  return {'HELD'}
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', now + tonumber(ARGV[2]))
for i = 5, #ARGV, 2 do
  if string.sub(ARGV[i], 1, 1) == '+' then
    redis.call('HINCRBY', KEYS[1], string.sub(ARGV[i], 2), ARGV[i + 1])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], 2592000)
redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[3], ARGV[4], 'MKSTREAM')
local function pairs_of(list)
  local out = {}
  for i = 1, #list, 2 do
    out[list[i]] = list[i + 1]
  end
  return out
end
local stream = pairs_of(redis.call('XINFO', 'STREAM', KEYS[2]))
local unread = 0
for _, one in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
  local group = pairs_of(one)
  local read = group['entries-read']
  if group['name'] == ARGV[3] and read and stream['entries-added'] then
    unread = math.max(0, stream['entries-added'] - stream['length'] - read)
  end
end
local lost = math.max(0, unread - tonumber(had[3] or '0'))
redis.call('HSET', KEYS[1], 'unread', unread)
redis.call('HINCRBY', KEYS[1], 'lost', lost)
return {'OK', stream['last-generated-id'], redis.call('XLEN', KEYS[3]), lost}
