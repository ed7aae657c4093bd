-- KEYS generation. 0: it is not there, or no number.
return {'OK', tonumber(redis.call('GET', KEYS[1]) or '') or 0}
