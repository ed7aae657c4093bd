-- KEYS lease, calls, call, broken; ARGV fence, id, what was read (aside.lua).
-- include fence
-- include aside
return {'OK', aside(KEYS[3], KEYS[2], KEYS[4], ARGV[2], ARGV[3])}
