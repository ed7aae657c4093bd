-- What everybody may know of the lease KEYS[1], as texts: counter, incarnation, renewal, owner, length, names, node, where,
-- identity, place, the node that it is offered to. Each value is checked. Where the counter is no
-- number the fence has it; where the renewal is no number it is a digest of its text.
-- A program without renewals may have written over one with them: the owner there is of another incarnation, and what changes
-- with each of its renewals is "until".
local function renewal_of(text)
  if string.match(text, '^%d+$') and #text < 19 then
    return text
  end
  return string.format('%.0f', tonumber(string.sub(redis.sha1hex(text), 1, 12), 16))
end
local function lease_view()
  local l = redis.call('HMGET', KEYS[1], 'counter', 'incarnation', 'renewal', 'owner', 'length', 'named', 'node', 'where',
    'identity', 'place', 'until', 'fence', 'offer')
  local there = l[1] or l[2] or l[3]
  for i = 1, 13 do
    l[i] = l[i] or ''
  end
  local owner, by = string.match(l[4], '^(%x+)%.(%x+)$')
  local older = l[2] ~= '' and by ~= l[2]
  local counter = string.match(l[1], '^%d+$') or string.match(l[12], '^%d+') or '0'
  return there and {
    #counter < 16 and string.format('%d', tonumber(counter)) or '0',
    #l[2] == 16 and string.match(l[2], '^%x+$') and string.lower(l[2]) or '0000000000000000',
    renewal_of(older and l[11] or l[3]),
    older and string.match(l[9], '^%x+') or owner or '',
    older and '' or l[5], older and '' or l[6], l[7], l[8], l[9], l[10], l[13]
  }
end
