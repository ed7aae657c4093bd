-- KEYS entries of a day; ARGV name, how long an entry may be. It, where it is there and not longer.
-- include recording_keys
recording_keys({'hash'})
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if not entry or #entry > tonumber(ARGV[2]) then
  return {'OK', 0}
end
return {'OK', 0, entry}
