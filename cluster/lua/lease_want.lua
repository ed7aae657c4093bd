-- KEYS lease; ARGV node, identity, place, where, id of the node that wants the shard. Its owner hears of it with the next renewal.
-- "wanting" is what is to be written then, as JSON.
if redis.call('HEXISTS', KEYS[1], 'owner') == 0 then
  return {'MISSING'}
end
redis.call('HSET', KEYS[1], 'want', ARGV[5], 'wanting', cjson.encode({ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]}))
return {'OK'}
