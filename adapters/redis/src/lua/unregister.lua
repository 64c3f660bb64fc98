-- Removes exactly one entry: any other of the same device stays.
--
-- KEYS[1]  the user: hash of device_id → entry
-- ARGV[1]  device_id
-- ARGV[2]  how the entry begins: "generation:", or '' where that isn't known
-- ARGV[3]  how it ends: '' where the beginning says it all, or ":connection_id:life:server_id"

local entry = redis.call('HGET', KEYS[1], ARGV[1])
if not entry then return 0 end
if string.sub(entry, 1, #ARGV[2]) ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' and string.sub(entry, -#ARGV[3]) ~= ARGV[3] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
