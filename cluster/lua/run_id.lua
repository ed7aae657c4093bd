-- The process that answers: another one may have lost what the one before had acknowledged. Empty: it may not be asked.
local info = redis.pcall('INFO', 'server')
local run_id = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
