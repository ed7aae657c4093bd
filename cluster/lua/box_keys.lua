-- KEYS: msg, and the sets new, urgent, old, oldurgent, draft, gone of a box. Which set has a message is its state.
local UNDELETE_MS, DRAFT_MS = 604800000, 900000
local sets = {new = KEYS[2], urgent = KEYS[3], old = KEYS[4], oldurgent = KEYS[5], draft = KEYS[6], gone = KEYS[7]}
local function box_where(id)
  for class, key in pairs(sets) do
    local at = redis.call('ZSCORE', key, id)
    if at then
      return class, tonumber(at)
    end
  end
end
local function box_text(kind, id)
  return redis.call('HGET', KEYS[1], kind .. ':' .. id)
end
-- What of a message cannot be read is empty: the other ones of its box can.
local function box_known(kind, id)
  local good, value = pcall(cjson.decode, box_text(kind, id) or '{}')
  return good and type(value) == 'table' and value or {}
end
local function box_begun(id)
  return tonumber(box_known('f', id).begun_utc_ms) or 0
end
local function box_move(id, from, to, at)
  if from then
    redis.call('ZREM', sets[from], id)
  end
  redis.call('ZADD', sets[to], at, id)
  redis.call('HINCRBY', KEYS[1], 'version', 1)
end
-- Those that their callers have not spoken of for long. Whether a draft is urgent is among its marks.
local function box_drafts(now)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', sets.draft, '-inf', now - DRAFT_MS)) do
    box_move(id, 'draft', box_known('m', id).urgent and 'urgent' or 'new', box_begun(id))
  end
end
local function box_answer(code, now)
  local said = {'OK', code, tonumber(redis.call('HGET', KEYS[1], 'version') or 0)}
  for _, class in ipairs({'new', 'urgent', 'old', 'oldurgent'}) do
    said[#said + 1] = redis.call('ZCARD', sets[class])
  end
  said[#said + 1] = redis.call('ZCOUNT', sets.gone, '(' .. now - UNDELETE_MS, '+inf')
  return said
end
local function box_row(said, id, class, at)
  for _, value in ipairs({id, class, string.format('%d', at), box_text('f', id) or '', box_text('m', id) or ''}) do
    said[#said + 1] = value
  end
end
