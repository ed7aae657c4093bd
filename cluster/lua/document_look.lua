-- KEYS log, history, generations; ARGV the history to set if Redis has no other, or ''.
-- History ('': no such key), id of the newest entry of the log ('': no entry), and each generation.
local function generation(key)
  if redis.call('TYPE', key).ok ~= 'string' then
    return 0
  end
  return tonumber(redis.call('GET', key)) or 0
end
if ARGV[1] ~= '' then
  redis.call('SET', KEYS[2], ARGV[1], 'NX')
end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local answer = {'OK', 0, redis.call('GET', KEYS[2]) or '', newest[1] and newest[1][1] or ''}
for i = 3, #KEYS do
  answer[i + 2] = generation(KEYS[i])
end
return answer
