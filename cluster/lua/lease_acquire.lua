-- KEYS lease, fence; ARGV as lease_write, the counter being the highest known one; then the lease
-- that was watched for longer than its holder would be silent: counter, incarnation, renewal;
-- empty: none was. note: a number that nobody else writes, where a holder of the lease was seen;
-- empty: none was. With a note a missing lease is lost: its owner asserts it again, or the nodes
-- that it named claim it. It is free when it was missing for as long. "keep": the names of the
-- process before stay, and those of a claim by this one that got no answer.
-- Takes a lease that nobody holds, that one, or one of the same place: one lock of one directory, so the process before is gone.
-- Older programs wrote no place: there the same node name takes it.
-- Programs of before count by the clock of Redis, and write "until" where it is no number: one length from now. So they watch,
-- too, as each renewal makes it no number again.
-- A Redis with a lower counter than the highest known one has lost data: a later owner may live,
-- and the lease is watched like that of another node. A missing one gets a note for that.
-- include lease_view
-- include lease_write
-- include run_id
local told, heard = lease_view(), tonumber(ARGV[3])
if not told and ARGV[15] ~= '' then
  redis.call('HSET', KEYS[1], 'counter', '0', 'renewal', ARGV[15])
  told = lease_view()
end
local counter = math.max(told and tonumber(told[1]) or 0, heard)
local forgotten = told and heard > tonumber(told[1])
local here = told and told[7] == ARGV[1]
if told and told[10] ~= '' then
  here = told[10] == ARGV[7]
end
if not told then
  counter = counter + 1
elseif told[2] ~= ARGV[2] or forgotten then
  local gone = told[1] == ARGV[12] and told[2] == ARGV[13] and told[3] == ARGV[14]
  local free = told[7] == '' and ARGV[15] == ''
  if (forgotten or not (free or here)) and not gone then
    return {'TAKEN', told[1], told[2], told[7], told[3], told[9], told[8], told[7] ~= '' and told[5] or ARGV[4], told[4], told[6], told[11]}
  end
  counter = counter + 1
end
if here and ARGV[16] == 'keep' then
  ARGV[11] = told[6]
end
counter = string.format('%d', counter)
lease_write(counter, '-')
return {'OK', counter, run_id, ARGV[11]}
