-- A member of a group shows life and prolongs its leases; members that are gone are dropped. Answers the whole hash.
--
-- KEYS[1]  the group, a hash:
--            born           when this hash began, in microseconds since 1970: another one after a wipe
--            m:<member>     the number of the member's last beat
--            p:<partition>  the lease: "generation|member|beat", or "generation||" where it was let go
-- KEYS[2]  the channel that wakes the members
-- ARGV[1]  the member
-- ARGV[2]  the number of its beat
-- ARGV[3]  how many leases it holds
-- ARGV[4…] partition and generation of each, alternately; then member and last known beat of each that is gone

local beat = ARGV[2]
local time = redis.call('TIME')
redis.call('HSETNX', KEYS[1], 'born', time[1] .. string.format('%06d', time[2]))
if redis.call('HSET', KEYS[1], 'm:' .. ARGV[1], beat) == 1 then redis.call('SPUBLISH', KEYS[2], '') end

local leases = 4 + 2 * tonumber(ARGV[3])
for i = 4, leases - 1, 2 do
  local name, held = 'p:' .. ARGV[i], ARGV[i + 1] .. '|' .. ARGV[1] .. '|'
  local lease = redis.call('HGET', KEYS[1], name)
  if lease and string.sub(lease, 1, #held) == held then redis.call('HSET', KEYS[1], name, held .. beat) end
end

for i = leases, #ARGV, 2 do
  local name = 'm:' .. ARGV[i]
  if redis.call('HGET', KEYS[1], name) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], name) end
end
return redis.call('HGETALL', KEYS[1])
