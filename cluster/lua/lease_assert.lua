-- KEYS lease, fence; ARGV node, incarnation, counter, length in ms, link, identity, place, where.
-- The highest pair of counter and incarnation keeps the shard, however long ago it was heard of. An assertion that an older
-- link of ours still held does nothing.
-- include now
-- include run_id
local function halves(hex)
  return tonumber(string.sub(hex, 1, 8), 16) or 0, tonumber(string.sub(hex, 9), 16) or 0
end
local lease = redis.call('HMGET', KEYS[1], 'counter', 'incarnation', 'link')
local have = tonumber(lease[1] or 0) or 0
local own = tonumber(ARGV[3])
local above = have > own
if have == own and lease[2] == ARGV[2] then
  above = (tonumber(lease[3]) or 0) > tonumber(ARGV[5])
elseif have == own and lease[2] then
  local ah, al = halves(lease[2])
  local bh, bl = halves(ARGV[2])
  above = ah > bh or (ah == bh and al > bl)
end
if above then
  return {'FENCED', lease[1], lease[2]}
end
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'incarnation', ARGV[2], 'counter', ARGV[3], 'link', ARGV[5],
  'until', string.format('%d', now + ARGV[4]), 'fence', ARGV[3] .. '.' .. ARGV[2] .. '.' .. ARGV[5],
  'identity', ARGV[6], 'place', ARGV[7], 'where', ARGV[8])
redis.call('SET', KEYS[2], redis.call('HGET', KEYS[1], 'fence'))
return {'OK', ARGV[3], run_id}
