-- Grants users what they may do now, of what is asked for. Answers for each how many, and the milliseconds until there
-- is one more (0 where everything was granted), one after the other.
--
-- KEYS      the users: hash of what is left and of when that was (milliseconds since 1970)
-- ARGV[1]   how many come back in a second
-- ARGV[2]   how many there are at most
-- ARGV[3…]  how many are asked for, for each user

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local per_ms = tonumber(ARGV[1]) / 1000
local burst = tonumber(ARGV[2])
-- A user who has everything again needs no key.
local lives = math.min(math.ceil(burst / per_ms) + 1000, 86400000)
local answer = {}
for i = 1, #KEYS do
  local wanted = tonumber(ARGV[i + 2])
  local kept = redis.call('HMGET', KEYS[i], 'left', 'at')
  local left = burst
  -- A clock that went back gives nothing, and is followed.
  if kept[1] then left = math.min(burst, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * per_ms) end
  local granted = math.min(wanted, math.floor(left))
  left = left - granted
  redis.call('HSET', KEYS[i], 'left', string.format('%.17g', left), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[i], lives)
  answer[#answer + 1] = granted
  answer[#answer + 1] = granted < wanted and math.ceil((1 - (left - math.floor(left))) / per_ms) or 0
end
return answer
