-- Enters a connection and gives it its generation: microseconds since 1970, and more than any given before, so that
-- generations grow when everything was wiped, too. Answers the generation, the live entry that it replaces ('' where
-- there was none), and whether the bucket knows the node (1 or 0).
--
-- KEYS[1]  the nodes of the bucket
-- KEYS[2]  the greatest generation that the bucket has given
-- KEYS[3]  the user: hash of device_id → entry
-- ARGV[1]  server_id
-- ARGV[2]  the node's life
-- ARGV[3]  connection_id
-- ARGV[4]  device_id
-- ARGV[5]  microseconds after which a beat is too old
-- ARGV[6]  milliseconds that the user is kept for without being refreshed

local now = micros()
local limit = tonumber(ARGV[5])
local generation = math.max(now, tonumber(redis.call('GET', KEYS[2]) or 0) + 1)
local replaced = ''

local entries = redis.call('HGETALL', KEYS[3])
for i = 1, #entries, 2 do
  local older, _, life, server_id = parts(entries[i + 1])
  local there = older and alive(server_id, life, now, limit)
  if entries[i] == ARGV[4] then
    if older then generation = math.max(generation, tonumber(older) + 1) end
    if there then replaced = entries[i + 1] end
  elseif not there then
    -- The entry of a node that is gone: its device hasn't come back since.
    redis.call('HDEL', KEYS[3], entries[i])
  end
end

redis.call('SET', KEYS[2], text(generation))
redis.call('HSET', KEYS[3], ARGV[4], text(generation) .. ':' .. ARGV[3] .. ':' .. ARGV[2] .. ':' .. ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return { text(generation), replaced, node(ARGV[1]) == tonumber(ARGV[2]) and 1 or 0 }
