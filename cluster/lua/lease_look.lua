-- KEYS lease; ARGV note: a number that nobody else writes. What is seen of a lease, and in which
-- history. Where the lease is missing the note is left: a lease that was lost twice does not look
-- like one that was missing all along.
-- include lease_view
-- include history
local told = lease_view()
if not told then
  redis.call('HSET', KEYS[1], 'counter', '0', 'renewal', ARGV[1])
  told = lease_view()
end
return {'OK', told[1], told[2], told[3], told[4], told[5], told[6], told[7], told[8], history()}
