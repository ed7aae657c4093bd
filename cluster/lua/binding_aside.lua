-- KEYS binding, aors, broken; ARGV member, what was read (aside.lua).
-- include aside
return {'OK', aside(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])}
