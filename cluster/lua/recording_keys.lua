-- Keys of the recordings of a day, where somebody wrote something else there: it is set aside. How many.
local function recording_keys(kinds)
  local aside = 0
  for i = 1, #KEYS do
    local kind = redis.call('TYPE', KEYS[i])['ok']
    if kind ~= 'none' and kind ~= kinds[i] then
      redis.call('RENAME', KEYS[i], 'td:broken:' .. KEYS[i])
      redis.call('EXPIRE', 'td:broken:' .. KEYS[i], 2592000)
      aside = aside + 1
    end
  end
  return aside
end
