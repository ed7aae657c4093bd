-- KEYS lease, calls, call, cdr, ended, records, toll of a day; ARGV fence, id, number, settled, longest stream, then field, value, ...
-- The CDRs of an end that may be in the stream already, all of them or none. calls and call are of older programs.
-- ended holds the number of each end that may be sent once more. Below settled nothing is.
-- include fence
-- include cdrs
-- include ended
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[4])
return ended(ARGV[3])
