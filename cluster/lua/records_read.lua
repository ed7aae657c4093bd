-- KEYS records; ARGV how long one may be, names.
-- Of each its text; in place of that its length where it is longer, -1 where it does not exist. All
-- of one moment.
local most = tonumber(ARGV[1])
local found = redis.call('HMGET', KEYS[1], unpack(ARGV, 2))
for i = 1, #found do
  local text = found[i]
  found[i] = text and (#text > most and #text or text) or -1
end
return {'OK', unpack(found)}
