-- KEYS lease; ARGV node, incarnation, highest counter heard of, length in ms, link.
-- Takes a lease that is free, expired or of the same node name.
-- include now
local lease = redis.call('HMGET', KEYS[1], 'node', 'incarnation', 'counter', 'until')
local counter = math.max(tonumber(lease[3] or 0), tonumber(ARGV[3]))
local left = tonumber(lease[4] or 0) - now
if lease[2] ~= ARGV[2] then
  if lease[1] and lease[1] ~= ARGV[1] and left > 0 then
    return {'TAKEN', lease[3], lease[2], lease[1], left}
  end
  counter = counter + 1
end
counter = string.format('%d', counter)
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'incarnation', ARGV[2], 'counter', counter, 'link', ARGV[5],
  'until', string.format('%d', now + ARGV[4]), 'fence', counter .. '.' .. ARGV[2] .. '.' .. ARGV[5])
return {'OK', counter}
