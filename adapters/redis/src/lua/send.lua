-- Carries bytes to a node. Answers 0 where the node is known to be gone.
--
-- KEYS[1]  the nodes of the bucket that the server_id belongs to
-- KEYS[2]  the node's channels; the number of its life makes one of them
-- ARGV[1]  server_id
-- ARGV[2]  microseconds after which a beat is too old
-- ARGV[3]  the bytes

local life, _, beat = node(ARGV[1])
if not life or micros() - beat > tonumber(ARGV[2]) then return 0 end
redis.call('SPUBLISH', KEYS[2] .. text(life), ARGV[3])
return 1
