-- KEYS lease, calls, call, cdr, ended, records; ARGV fence, id, number, settled, longest stream, then field, value, ...
-- The CDRs of a call that was answered while Redis was away, by a process that is gone: unless its record is here, or its end was.
-- include fence
-- include cdrs
if redis.call('EXISTS', KEYS[3]) == 1 or redis.call('HEXISTS', KEYS[6], ARGV[2]) == 1 or redis.call('ZSCORE', KEYS[5], ARGV[2]) then
  return {'OK', 0}
end
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[2])
return {'OK', cdrs_append(KEYS[4], ARGV[5], ARGV[2], 6)}
