-- KEYS nodes, their places; ARGV id of a node, incarnation of the process that asks, its line, its place; a line that was seen, and
-- "put" or "look". Puts them where the line is nobody's, that process' own, or the one that was seen: of two processes with one id
-- each would else write over what the other one has written, and read its own line. Both as they are, or were.
local line = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local place = redis.call('HGET', KEYS[2], ARGV[1]) or ''
local owner = string.match(line, '^%d+ %d+ (%x+) ')
if ARGV[6] ~= 'put' then
  return {'OK', 1, line, place}
end
if owner and owner ~= ARGV[2] and line ~= ARGV[5] then
  return {'CONFLICT', '', line, place}
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
return {'OK', 1, line, place}
