-- KEYS lease, fence; ARGV fence, id of the node that wants the shard, renewal. That node is written into the lease as one whose process
-- is gone: it takes it at once, as its own, and everybody else watches it as before. The owner until now carries out nothing more.
-- Whom it names stay named, it itself in place of the one that has it now: that one speaks only as long as they let it, or Redis.
-- include fence
local ok, wanting = pcall(cjson.decode, redis.call('HGET', KEYS[1], 'wanting') or '')
if not ok or type(wanting) ~= 'table' or wanting[5] ~= ARGV[2] or #wanting ~= 5 then
  return {'CONFLICT'}
end
local none = '0000000000000000'
local counter = string.format('%d', tonumber(lease[2]) + 1)
local named = redis.call('HGET', KEYS[1], 'named') or ''
local owner = string.match(redis.call('HGET', KEYS[1], 'owner') or '', '^%x+')
if owner then
  named = string.gsub(named, ARGV[2], owner)
end
local given = counter .. '.' .. none .. '.0'
redis.call('HSET', KEYS[1], 'node', wanting[1], 'identity', wanting[2], 'place', wanting[3], 'where', wanting[4], 'owner',
  wanting[5] .. '.' .. none, 'incarnation', none, 'counter', counter, 'link', '0', 'fence', given, 'until', '-',
  'renewal', ARGV[3], 'named', named)
redis.call('HDEL', KEYS[1], 'want', 'wanting', 'offer')
redis.call('SET', KEYS[2], given)
return {'OK', counter}
