-- KEYS lease, fence; ARGV as lease_write; then what was seen: counter, incarnation, renewal, history. The shard changes hands if
-- nothing has changed since. From then on nothing is carried out that its owner before has sent.
-- include lease_view
-- include lease_write
-- include history
local told = lease_view()
if not told or told[1] ~= ARGV[12] or told[2] ~= ARGV[13] or told[3] ~= ARGV[14] or history() ~= ARGV[15] then
  return {'CONFLICT'}
end
lease_write(ARGV[3], '-')
return {'OK', ARGV[3]}
