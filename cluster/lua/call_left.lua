-- KEYS as call_end; ARGV counter of the lease under which the call ended, id, "past", identity, longest stream, then field, value, ...
-- An end that its owner could not say before another node had the shard, with the call, perhaps. That one finds it in ended.
-- past: the lease was over by then. So nobody heard of that end, and the call may go on.
-- include cdrs
-- include ended
local lease = redis.call('HMGET', KEYS[1], 'counter', 'identity')
local counter = tonumber(lease[1] or 0) or 0
if counter <= tonumber(ARGV[1]) or lease[2] == ARGV[4] then
  return {'CONFLICT'}
end
if ARGV[3] == 'past' then
  return {'OK', 0}
end
return ended(string.format('%.0f', counter * 4294967296 + 4294967295))
