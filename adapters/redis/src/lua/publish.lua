-- Stores a chunk of records. Answers the status and the last offset given:
--   "ok"     the chunk is stored, or there was none to store
--   "late"   a later call of this publisher came before: nothing is stored
--   "full"   the log holds as much as it may: nothing is stored
--
-- A log that doesn't remember what it told this publisher went back in time: what it forgot is lost, so it begins a new
-- life, and whoever reads it learns of that.
--
-- KEYS[1]  the log
-- KEYS[2]  what is known of it
-- KEYS[3]  the number of this publisher's last call
-- KEYS[4]  the channel that wakes who reads
-- ARGV[1]  the number of this call
-- ARGV[2]  the number of the last call of this publisher that was answered with "ok"; 0 where there was none
-- ARGV[3]  the greatest offset of this log that the publisher knows of
-- ARGV[4]  how many records the chunk has; 0 for only looking
-- ARGV[5]  the chunk
-- ARGV[6]  bytes that the log may take
-- ARGV[7]  milliseconds that the publisher is remembered for

local number, confirmed, known, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local _, last = life()
local called = tonumber(redis.call('GET', KEYS[3]) or 0)
if number <= called then return { 'late', text(last) } end
if called < confirmed or last < known then last = begin(known) end

if count > 0 then
  local bytes = redis.call('MEMORY', 'USAGE', log, 'SAMPLES', 1)
  if bytes and bytes > tonumber(ARGV[6]) then return { 'full', text(last) } end
  last = math.max(micros(), last + 1) + count - 1
  local total = redis.call('HINCRBY', facts, 'total', count)
  redis.call('XADD', log, id(last), 'c', ARGV[5], 'n', count, 't', total)
  redis.call('HSET', facts, 'last', text(last), 'used', 1)
  redis.call('SPUBLISH', KEYS[4], '')
end
redis.call('SET', KEYS[3], number, 'PX', ARGV[7])
return { 'ok', text(last) }
