-- The version in the envelope of a record (cluster/record.h) as 8 bytes; zero when there is no record.
local function version(record)
  if not record or #record < 24 then
    return string.rep('\0', 8)
  end
  return string.sub(record, 9, 16)
end
