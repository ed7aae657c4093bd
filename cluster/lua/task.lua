-- KEYS due (sorted set: what, by when something is to be done about it), held (hash: of what is
-- being done until when, when again or 0, and by which node).
-- ARGV act, now (ms), who, for how long it is held (ms), and
--   add: what, when; 1: the node that adds it does it now, unless another one does
--   hold: what: who holds it goes on
--   take: how many at most: each is held by one alone
--   done: what, when next or empty: never. Nothing where somebody else holds it by now.
-- Answers what is held from now on.
local act, now, who, life, what = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local said = {'OK'}
local function holder(of)
  local till, again, by = string.match(redis.call('HGET', KEYS[2], of) or '', '^(%d+) (%d+) (.*)$')
  if till and tonumber(till) > now then
    return by, again, till
  end
end
local function held(of, again, till, by)
  redis.call('HSET', KEYS[2], of, string.format('%s %s %s', till, again, by))
end
local function hold(of)
  held(of, '0', string.format('%d', now + life), who)
  redis.call('ZADD', KEYS[1], now + life, of)
  said[#said + 1] = of
end
if act == 'add' then
  local by, again, till = holder(what)
  local due = tonumber(redis.call('ZSCORE', KEYS[1], what))
  if by then
    if again == '0' or tonumber(ARGV[6]) < tonumber(again) then
      held(what, ARGV[6], till, by)
    end
  elseif ARGV[7] == '1' then
    hold(what)
  elseif not due or due > tonumber(ARGV[6]) then
    redis.call('ZADD', KEYS[1], ARGV[6], what)
  end
elseif act == 'hold' then
  local by, again = holder(what)
  if by == who then
    held(what, again, string.format('%d', now + life), who)
    redis.call('ZADD', KEYS[1], now + life, what)
    said[2] = what
  end
elseif act == 'take' then
  for _, of in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(what))) do
    hold(of)
  end
else
  local by, again = holder(what)
  if by ~= who then
    return said
  end
  redis.call('HDEL', KEYS[2], what)
  local next = tonumber(ARGV[6])
  if again ~= '0' and (not next or tonumber(again) < next) then
    next = tonumber(again)
  end
  if next then
    redis.call('ZADD', KEYS[1], next, what)
  else
    redis.call('ZREM', KEYS[1], what)
  end
end
return said
