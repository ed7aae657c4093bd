-- Whether 64-bit number a is above b, both as 8 bytes. In two halves: Lua here counts in doubles, and the order of texts
-- depends on the locale of the server.
local function above(a, b)
  local ah, al = struct.unpack('>I4I4', a)
  local bh, bl = struct.unpack('>I4I4', b)
  return ah > bh or (ah == bh and al > bl)
end
