-- A change is made of what its node knows: ARGV[4] the version of the document, 0 for none; ARGV[5] the generation; ARGV[6] '1':
-- nothing of the tenant may have changed since, else nothing of the document. KEYS[6]: the set that is being moved, with the generation
-- of each of its tenants when it is: who does not know that yet would change what was.
local function is_behind(now)
  local known = tonumber(ARGV[5])
  local set = redis.call('HGET', KEYS[6], ARGV[1])
  return now < known or (ARGV[6] == '1' and now ~= known) or present() ~= tonumber(ARGV[4]) or (set and known < tonumber(set))
end
-- With the generation, as 8 bytes.
local function conflict(now)
  return {'CONFLICT', struct.pack('>I4I4', math.floor(now / 4294967296), now % 4294967296)}
end
