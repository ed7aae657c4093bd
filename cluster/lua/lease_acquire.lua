-- KEYS lease; ARGV node, incarnation, highest counter heard of, length in ms, link, identity, place, where.
-- Takes a lease that is free, expired, or of the same place: one lock of one directory, so the process before is gone.
-- Older programs wrote no place: there the same node name takes it.
-- include now
local lease = redis.call('HMGET', KEYS[1], 'node', 'incarnation', 'counter', 'until', 'identity', 'place', 'where')
local counter = math.max(tonumber(lease[3] or 0), tonumber(ARGV[3]))
local left = tonumber(lease[4] or 0) - now
if lease[2] ~= ARGV[2] then
  local here = lease[1] == ARGV[1]
  if lease[6] then
    here = lease[6] == ARGV[7]
  end
  if lease[1] and not here and left > 0 then
    return {'TAKEN', lease[3], lease[2], lease[1], left, lease[5] or '', lease[7] or ''}
  end
  counter = counter + 1
end
counter = string.format('%d', counter)
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'incarnation', ARGV[2], 'counter', counter, 'link', ARGV[5],
  'until', string.format('%d', now + ARGV[4]), 'fence', counter .. '.' .. ARGV[2] .. '.' .. ARGV[5],
  'identity', ARGV[6], 'place', ARGV[7], 'where', ARGV[8])
return {'OK', counter}
