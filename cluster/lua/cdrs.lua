-- Appends the CDRs of a call. Their fields are ARGV from first on: a field "id" begins the next
-- CDR, and "toll" is of none. Returns how many.
local function cdrs_append(stream, longest, id, first)
  local args = {'XADD', stream, 'MAXLEN', '~', longest, '*', 'id', id}
  local count = 1
  for i = first, #ARGV, 2 do
    if ARGV[i] == 'id' then
      redis.call(unpack(args))
      args = {'XADD', stream, 'MAXLEN', '~', longest, '*'}
      count = count + 1
    end
    if ARGV[i] ~= 'toll' then
      args[#args + 1] = ARGV[i]
      args[#args + 1] = ARGV[i + 1]
    end
  end
  redis.call(unpack(args))
  return count
end
