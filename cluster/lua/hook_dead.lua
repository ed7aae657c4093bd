-- KEYS stream of a webhook, its dead letters, what is to be replayed; ARGV group, id of an event, its entry where it was replayed or '', what was
-- posted, tries, status, error. The event is a dead letter from now on, once.
local gone
if ARGV[3] == '' then
  gone = redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
else
  gone = redis.call('XDEL', KEYS[3], ARGV[3])
end
if gone == 1 then
  local time = redis.call('TIME')
  redis.call('XADD', KEYS[2], 'MAXLEN', 1000, '*', 'id', ARGV[2], 'body', ARGV[4], 'tries', ARGV[5], 'status', ARGV[6], 'error', ARGV[7])
  redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', (tonumber(time[1]) - 1209600) * 1000))
  redis.call('EXPIRE', KEYS[2], 1209600)
end
return {'OK', gone}
