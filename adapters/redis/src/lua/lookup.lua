-- The live connections of users of one bucket: for each user a list of device_id, entry and the last beat of its node
-- (microseconds since 1970), one after the other.
--
-- KEYS[1]   the nodes of the bucket
-- KEYS[2…]  the users: hash of device_id → entry
-- ARGV[1]   microseconds after which a beat is too old

local now = micros()
local limit = tonumber(ARGV[1])
local beats = {}
local answer = {}
for i = 2, #KEYS do
  local found = {}
  local entries = redis.call('HGETALL', KEYS[i])
  for j = 1, #entries, 2 do
    local _, _, life, server_id = parts(entries[j + 1])
    if life then
      local name = life .. ':' .. server_id
      if beats[name] == nil then beats[name] = alive(server_id, life, now, limit) or false end
      if beats[name] then
        found[#found + 1] = entries[j]
        found[#found + 1] = entries[j + 1]
        found[#found + 1] = text(beats[name])
      end
    end
  end
  answer[i - 1] = found
end
return answer
