-- What scripts that change documents share. KEYS documents, versions, generation, log, history; ARGV tenant, kind, name, ...
local function number(text)
  return tonumber(text or '') or 0
end
local function present()
  if redis.call('HEXISTS', KEYS[1], ARGV[3]) == 0 then
    return 0
  end
  return number(redis.call('HGET', KEYS[2], ARGV[3]))
end
-- All nodes hear of it, in the order in which it happens.
local function tell(version, what, text, name)
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'history', redis.call('GET', KEYS[5]) or '', 'tenant', ARGV[1],
    'kind', ARGV[2], 'name', name or ARGV[3], 'version', version, what, text)
end
