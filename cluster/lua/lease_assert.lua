-- KEYS lease, fence; ARGV as lease_write.
-- The highest pair of counter and incarnation keeps the shard, however long ago it was heard of. An assertion that an older
-- link of ours still held does nothing.
-- include lease_write
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
lease_write(ARGV[3], '-')
return {'OK', ARGV[3], run_id}
