-- KEYS lease, calls, call, broken; ARGV fence, id, record as read.
-- include fence
-- include aside
aside(KEYS[3], KEYS[2], KEYS[4], ARGV[2], ARGV[3])
return {'OK'}
