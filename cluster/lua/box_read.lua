-- KEYS as box_keys.lua; ARGV now (ms), a message or empty, how many, order (1: the newest first, 2:
-- urgent ones before others, 3: both), the message behind which it goes on or empty, and the names
-- of the sets to read; all: what messages have together, as one without an id, and no others.
-- Answers counts as box_change.lua; then messages: id, set, when it came there, facts, marks.
-- include box_keys
local now, most, back, ranked, after = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[4] % 2 == 1, ARGV[4] > '1', ARGV[5]
local EQUALS = 16 -- that began in one millisecond
box_drafts(now)
local said = box_answer(1, now)
if ARGV[2] ~= '' then
  local class, at = box_where(ARGV[2])
  if not class or (class == 'gone' and at <= now - UNDELETE_MS) then
    said[2] = 0
  else
    box_row(said, ARGV[2], class, at)
  end
  return said
end
if ARGV[6] == 'all' then
  local ms = 0
  for _, class in ipairs({'new', 'urgent', 'old', 'oldurgent'}) do
    for _, id in ipairs(redis.call('ZRANGE', sets[class], 0, -1)) do
      ms = ms + (tonumber(box_known('f', id).ms) or 0)
    end
  end
  for _, value in ipairs({'', 'all', '0', string.format('{"ms":%d}', ms), ''}) do
    said[#said + 1] = value
  end
  return said
end
local function rank(class)
  return ranked and class ~= 'urgent' and class ~= 'oldurgent' and 1 or 0
end
local function class_of(id)
  local class = box_where(id)
  return class == 'gone' and box_known('m', id).was or class
end
local function before(a, b)
  if a.rank ~= b.rank then
    return (a.rank < b.rank) ~= back
  end
  if a.at ~= b.at then
    return (a.at < b.at) ~= back
  end
  return a.id ~= b.id and (a.id < b.id) ~= back
end
local rows, bound = {}, nil
for i = 6, #ARGV do
  local key, gone = sets[ARGV[i]], ARGV[i] == 'gone'
  local least = gone and '(' .. now - UNDELETE_MS or '-inf'
  if after ~= '' then
    bound = {id = after, rank = rank(class_of(after)), at = tonumber(redis.call('ZSCORE', key, after) or box_begun(after))}
  end
  local within = bound and bound.rank == rank(ARGV[i])
  local found
  if back then
    found = redis.call('ZREVRANGEBYSCORE', key, within and string.format('%d', bound.at) or '+inf', least, 'WITHSCORES', 'LIMIT', 0, most + EQUALS)
  else
    found = redis.call('ZRANGEBYSCORE', key, within and not gone and string.format('%d', bound.at) or least, '+inf', 'WITHSCORES', 'LIMIT', 0, most + EQUALS)
  end
  for k = 1, #found, 2 do
    local row = {id = found[k], at = tonumber(found[k + 1]), class = ARGV[i], rank = rank(ARGV[i])}
    if not bound or before(bound, row) then
      rows[#rows + 1] = row
    end
  end
end
table.sort(rows, before)
for i = 1, math.min(most, #rows) do
  box_row(said, rows[i].id, rows[i].class, rows[i].at)
end
return said
