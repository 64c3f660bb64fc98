-- A member takes partitions whose leases are as it saw them. Answers for each the generation of its own lease, '' where
-- the lease is another by now. Generations are times in microseconds since 1970, and grow.
--
-- KEYS[1]  the group, as in share.lua
-- ARGV[1]  the member
-- ARGV[2]  the number of its beat
-- ARGV[3…] partition and the lease that the member saw, '' where there was none, alternately

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local answer = {}
for i = 3, #ARGV, 2 do
  local name = 'p:' .. ARGV[i]
  local lease = redis.call('HGET', KEYS[1], name) or ''
  local generation = ''
  if lease == ARGV[i + 1] then
    local last = tonumber(string.match(lease, '^(%d+)|') or 0)
    generation = string.format('%.0f', math.max(now, last + 1))
    redis.call('HSET', KEYS[1], name, generation .. '|' .. ARGV[1] .. '|' .. ARGV[2])
  end
  answer[#answer + 1] = generation
end
return answer
