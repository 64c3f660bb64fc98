-- A node shows life in a bucket. Answers
--   "ok"          this bucket remembers the beat before,
--   "forgotten"   it doesn't: it was wiped, or it went back in time, and entries have to be entered again,
--   "superseded"  a later life of the same server_id has begun.
--
-- KEYS[1]  the nodes of the bucket
-- ARGV[1]  server_id
-- ARGV[2]  the node's life
-- ARGV[3]  the number of this beat, one more than that of the one before
-- ARGV[4]  microseconds after which nodes that don't beat are dropped; 0 for not looking at them now

local now = micros()
local life, count = node(ARGV[1])
if life and life > tonumber(ARGV[2]) then return 'superseded' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3] .. ':' .. text(now))

local limit = tonumber(ARGV[4])
if limit > 0 then
  for _, server_id in ipairs(redis.call('HKEYS', KEYS[1])) do
    local _, _, beat = node(server_id)
    if not beat or now - beat > limit then redis.call('HDEL', KEYS[1], server_id) end
  end
end

if life == tonumber(ARGV[2]) and count >= tonumber(ARGV[3]) - 1 then return 'ok' end
return 'forgotten'
