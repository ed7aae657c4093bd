-- KEYS key, broken, generation; ARGV type (of Redis; or "number"), whether the generation goes as well.
-- Takes a key of the wrong type out of the way for 30 days. Documents without a generation are restored.
local kind = redis.call('TYPE', KEYS[1]).ok
local wrong = kind ~= 'none' and kind ~= ARGV[1]
if ARGV[1] == 'number' and kind == 'string' then
  wrong = not string.match(redis.call('GET', KEYS[1]), '^%d+$')
end
if not wrong then
  return {'OK', 0}
end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('PEXPIRE', KEYS[2], 2592000000)
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[3])
end
return {'OK', 1, kind}
