-- KEYS binding, aors, broken; ARGV member, record as read.
-- include aside
aside(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
return {'OK'}
