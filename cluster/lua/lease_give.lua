-- KEYS lease, fence; ARGV fence, id of the node that wants the shard, renewal. The lease then names
-- that node without a process: the node takes it at once, as its own, and all others watch it as
-- before. The owner until now carries out nothing more. The nodes that it named stay named, and it
-- replaces the new owner among them, which acts only as long as they, or Redis, confirm it.
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
