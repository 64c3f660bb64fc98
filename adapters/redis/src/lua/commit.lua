-- A group needs no record up to an offset. What no group needs is trimmed, unless the log's life has only just begun:
-- groups that read the last life may not have come back yet. Answers the birth of the log's life, which is a new one
-- where the group is further than the log.
--
-- KEYS[1]  the log
-- KEYS[2]  what is known of it
-- ARGV[1]  the group
-- ARGV[2]  the offset
-- ARGV[3]  microseconds after its birth in which nothing is trimmed

local offset = tonumber(ARGV[2])
local birth, last = life()
if offset > last then birth = begin(offset) end

local name = 'c:' .. ARGV[1]
if offset > fact(name) then redis.call('HSET', facts, name, ARGV[2]) end
if micros() - birth < tonumber(ARGV[3]) then return text(birth) end

local all = offset
local known = redis.call('HGETALL', facts)
for i = 1, #known, 2 do
  if string.sub(known[i], 1, 2) == 'c:' then all = math.min(all, tonumber(known[i + 1])) end
end
if all > fact('trimmed') then
  redis.call('XTRIM', log, 'MINID', id(all + 1))
  redis.call('HSET', facts, 'trimmed', text(all))
end
return text(birth)
