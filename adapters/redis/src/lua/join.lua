-- A node begins a life. Answers its number, which is greater than that of any earlier life of the same server_id.
--
-- KEYS[1]  the nodes of the bucket that the server_id belongs to
-- ARGV[1]  server_id

local now = micros()
local last = node(ARGV[1])
local life = math.max(now, (last or 0) + 1)
redis.call('HSET', KEYS[1], ARGV[1], text(life) .. ':0:' .. text(now))
return text(life)
