-- Enters connections again that have their generations, where they aren't there any more, and keeps their users for
-- longer. An entry with a greater generation stays.
--
-- KEYS[1]   the nodes of the bucket
-- KEYS[2]   the greatest generation that the bucket has given
-- KEYS[3…]  a user for each entry: hash of device_id → entry
-- ARGV[1]   milliseconds that a user is kept for without being refreshed
-- ARGV[2…]  device_id and entry, alternately

local greatest = 0
for i = 3, #KEYS do
  local device_id, entry = ARGV[2 * i - 4], ARGV[2 * i - 3]
  local generation = tonumber((parts(entry)))
  local there = redis.call('HGET', KEYS[i], device_id)
  if not there or tonumber((parts(there)) or 0) < generation then redis.call('HSET', KEYS[i], device_id, entry) end
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
  greatest = math.max(greatest, generation)
end
if greatest > tonumber(redis.call('GET', KEYS[2]) or 0) then redis.call('SET', KEYS[2], text(greatest)) end
return 1
