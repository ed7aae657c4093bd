-- KEYS lease, fence; ARGV node, incarnation, counter, length in ms, link, identity, place, where, owner, renewal, names.
local function lease_write(counter, ends)
  local fence = counter .. '.' .. ARGV[2] .. '.' .. ARGV[5]
  redis.call('HSET', KEYS[1], 'node', ARGV[1], 'incarnation', ARGV[2], 'counter', counter, 'length', ARGV[4], 'link', ARGV[5],
    'until', ends, 'fence', fence, 'identity', ARGV[6], 'place', ARGV[7], 'where', ARGV[8], 'owner', ARGV[9] .. '.' .. ARGV[2],
    'renewal', ARGV[10], 'named', ARGV[11])
  redis.call('HDEL', KEYS[1], 'want', 'wanting', 'offer')
  redis.call('SET', KEYS[2], fence)
end
