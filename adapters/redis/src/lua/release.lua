-- A member lets partitions go, and wakes the others, who may take them at once.
--
-- KEYS[1]  the group, as in share.lua
-- KEYS[2]  the channel that wakes the members
-- ARGV[1]  the member
-- ARGV[2]  1 where it leaves the group, too
-- ARGV[3…] partition and generation, alternately

for i = 3, #ARGV, 2 do
  local name, held = 'p:' .. ARGV[i], ARGV[i + 1] .. '|' .. ARGV[1] .. '|'
  local lease = redis.call('HGET', KEYS[1], name)
  if lease and string.sub(lease, 1, #held) == held then redis.call('HSET', KEYS[1], name, ARGV[i + 1] .. '||') end
end
if ARGV[2] == '1' then redis.call('HDEL', KEYS[1], 'm:' .. ARGV[1]) end
redis.call('SPUBLISH', KEYS[2], '')
return 1
