-- KEYS documents, versions; ARGV how long one may be, names.
-- Of each its version and its text; in place of the text its length where it is longer, -1 where it
-- does not exist. All of one moment.
local most = tonumber(ARGV[1])
local versions = redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
local texts = redis.call('HMGET', KEYS[1], unpack(ARGV, 2))
local found = {'OK'}
for i = 1, #texts do
  local text = texts[i]
  found[2 * i] = tonumber(versions[i] or '') or 0
  found[2 * i + 1] = text and (#text > most and #text or text) or -1
end
return found
