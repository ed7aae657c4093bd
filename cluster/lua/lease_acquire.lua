-- KEYS lease, fence; ARGV node, incarnation, highest counter heard of, length in ms, link, identity, place, where.
-- Takes a lease that is free, expired, or of the same place: one lock of one directory, so the process before is gone.
-- Older programs wrote no place: there the same node name takes it. Of a counter that is no number the fence tells; an end
-- that is no number is now one length away: a holder that lives writes another.
-- include now
-- include run_id
local lease = redis.call('HMGET', KEYS[1], 'node', 'incarnation', 'counter', 'until', 'identity', 'place', 'where', 'fence')
local counter = tonumber(lease[3] or 0) or tonumber(string.match(lease[8] or '', '^%d+') or 0)
counter = math.max(counter, tonumber(ARGV[3]))
local ends = tonumber(lease[4] or 0)
if lease[2] ~= ARGV[2] then
  local here = lease[1] == ARGV[1]
  if lease[6] then
    here = lease[6] == ARGV[7]
  end
  if not ends then
    ends = now + ARGV[4]
    redis.call('HSET', KEYS[1], 'until', string.format('%d', ends))
  end
  if lease[1] and not here and ends > now then
    return {'TAKEN', string.format('%d', counter), lease[2], lease[1], ends - now, lease[5] or '', lease[7] or ''}
  end
  counter = counter + 1
end
counter = string.format('%d', counter)
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'incarnation', ARGV[2], 'counter', counter, 'link', ARGV[5],
  'until', string.format('%d', now + ARGV[4]), 'fence', counter .. '.' .. ARGV[2] .. '.' .. ARGV[5],
  'identity', ARGV[6], 'place', ARGV[7], 'where', ARGV[8])
redis.call('SET', KEYS[2], redis.call('HGET', KEYS[1], 'fence'))
return {'OK', counter, run_id}
