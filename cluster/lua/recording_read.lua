-- KEYS entries of a day, index of that day; ARGV last and first of the index, how many, octets before a name there, how long an entry
-- may be. Names and entries, one behind the other, the last name first; an entry that is not there, or is too long, is empty.
-- include recording_keys
recording_keys({'hash', 'zset'})
local said = {'OK', 0}
for _, row in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  local name = string.sub(row, tonumber(ARGV[4]) + 1)
  local entry = ''
  if redis.call('HSTRLEN', KEYS[1], name) <= tonumber(ARGV[5]) then
    entry = redis.call('HGET', KEYS[1], name) or ''
  end
  said[#said + 1] = name
  said[#said + 1] = entry
end
return said
