-- KEYS what is known of a webhook, its dead letters. All fields of the one, and how many there are of the other.
return {'OK', redis.call('HGETALL', KEYS[1]), redis.call('XLEN', KEYS[2])}
