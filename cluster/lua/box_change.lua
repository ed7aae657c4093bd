-- KEYS as box_keys.lua; ARGV put, drop, mark or set, now (ms), message, and
--   put: a part as JSON, the set where a message lies that is not there yet
--   drop: the name of a part that is gone
--   mark: marks as JSON, which are no change of the message: it keeps its version
--   set: new, old, draft, deleted, kept (as it was before it was deleted), dropped, sent (a draft is new; else it is as it was) or empty;
--     1, 0 or empty (urgent); marks as JSON or empty; the version that it must have, or 0
-- Answers: 0: there is no such message; 1: done; 2: it has another version; 3: it is over, and its file is to go; 4: who left it has said that it
-- is private. Then the message.
-- include box_keys
local act, now, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
box_drafts(now)
local class, at = box_where(id)
local function told(code)
  local said = box_answer(code, now)
  class, at = box_where(id)
  if class then
    box_row(said, id, class, at)
  end
  return said
end
local over = class == 'gone' and at <= now - UNDELETE_MS
-- A whole recording is in place of its parts, and what is whole of a part that was cut.
local function parts_with(parts, part)
  local out = {part}
  for _, one in ipairs(parts) do
    if one.name ~= part.name and
       ((one.segment == 0 and part.segment ~= 0) or (one.segment == part.segment and part.cut and not one.cut)) then
      return parts
    elseif one.name ~= part.name and part.segment ~= 0 and one.segment ~= part.segment then
      out[#out + 1] = one
    end
  end
  table.sort(out, function(a, b) return a.segment < b.segment end)
  return out
end
local function parts_write(parts)
  local facts = {parts = parts, ms = 0, octets = 0}
  for _, key in ipairs({'from', 'from_name', 'to', 'begun_utc_ms'}) do
    facts[key] = parts[1][key]
  end
  for _, one in ipairs(parts) do
    facts.ms, facts.octets = facts.ms + one.ms, facts.octets + one.octets
  end
  redis.call('HSET', KEYS[1], 'f:' .. id, cjson.encode(facts))
end
local known = box_text('f', id)
local parts = known and cjson.decode(known).parts or {}
if act == 'put' then
  parts_write(parts_with(parts, cjson.decode(ARGV[4])))
  if not class then
    local meant = cjson.decode(box_text('m', id) or '{}').meant
    local to = ARGV[5] == 'draft' and meant or ARGV[5]
    over = to == 'gone'
    box_move(id, nil, to, over and 0 or to == 'draft' and now or box_begun(id))
    if meant then
      redis.call('HDEL', KEYS[1], 'm:' .. id)
    end
  end
  return told(over and 3 or 1)
end
if act == 'drop' then
  local left = {}
  for _, one in ipairs(parts) do
    if one.name ~= ARGV[4] then
      left[#left + 1] = one
    end
  end
  if #left > 0 then
    parts_write(left)
  elseif class then
    redis.call('ZREM', sets[class], id)
    redis.call('HDEL', KEYS[1], 'f:' .. id, 'm:' .. id)
    redis.call('HINCRBY', KEYS[1], 'version', 1)
  end
  return told(1)
end
-- A draft is not there yet: the state that it gets with its first part, from any node.
local meant = ({sent = 'new', dropped = 'gone'})[ARGV[4]]
if not class and meant and act == 'set' then
  redis.call('HSET', KEYS[1], 'm:' .. id, cjson.encode({meant = meant}))
end
if not class or over then
  return told(0)
end
local marks = cjson.decode(box_text('m', id) or '{"version":0}')
if act == 'mark' then
  for key, value in pairs(cjson.decode(ARGV[4])) do
    marks[key] = value
  end
  redis.call('HSET', KEYS[1], 'm:' .. id, cjson.encode(marks))
  return told(1)
end
if ARGV[7] ~= '0' and tonumber(ARGV[7]) ~= marks.version then
  return told(2)
end
local before = class == 'gone' and (marks.was or 'old') or class
local state, urgent = ARGV[4], ARGV[5]
if state == 'sent' and class == 'draft' then
  state = 'new'
elseif state == '' or state == 'sent' then
  state = class == 'gone' and 'deleted' or before
elseif state == 'kept' then
  state = before
end
local is_urgent = urgent == '1' or (urgent == '' and (before == 'urgent' or before == 'oldurgent' or (before == 'draft' and marks.urgent)))
local to = ({new = is_urgent and 'urgent' or 'new', urgent = is_urgent and 'urgent' or 'new', draft = 'draft',
  old = is_urgent and 'oldurgent' or 'old', oldurgent = is_urgent and 'oldurgent' or 'old', deleted = 'gone', dropped = 'gone'})[state]
local said = ARGV[6] ~= '' and cjson.decode(ARGV[6]) or {}
if marks.private and said.private == false and before ~= 'draft' then
  return told(4)
end
for key, value in pairs(said) do
  marks[key] = value
end
marks.version = marks.version + 1
marks.urgent = to == 'draft' and is_urgent or nil
if to == 'gone' then
  marks.was = before
end
redis.call('HSET', KEYS[1], 'm:' .. id, cjson.encode(marks))
if state == 'dropped' then
  at = 0
elseif to == 'gone' then
  at = class == 'gone' and at or now
elseif to ~= 'draft' then
  at = box_begun(id)
end
box_move(id, class, to, at)
return told(1)
