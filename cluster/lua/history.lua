-- Changes with the process and with the replication that answer: 16 digits. Empty: INFO may not be asked.
local function history()
  local server, replication = redis.pcall('INFO', 'server'), redis.pcall('INFO', 'replication')
  if type(server) ~= 'string' or type(replication) ~= 'string' then
    return ''
  end
  local run, id = string.match(server, 'run_id:(%w+)') or '', string.match(replication, 'master_replid:(%w+)') or ''
  return string.sub(redis.sha1hex(run .. id), 1, 16)
end
