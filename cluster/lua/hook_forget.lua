-- KEYS what is known of a webhook, its stream, its dead letters, what is to be replayed; ARGV group, '1' where its dead letters go, too.
redis.pcall('XGROUP', 'DESTROY', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[4])
redis.call('HDEL', KEYS[1], 'owner', 'until', 'unread')
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[1], KEYS[3])
end
return {'OK'}
