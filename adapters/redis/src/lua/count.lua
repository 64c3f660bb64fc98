-- How many records that are kept lie beyond an offset: what was there in total before the first of them is taken from
-- the total.
--
-- KEYS[1]  the log
-- KEYS[2]  what is known of it
-- ARGV[1]  the offset

local after = tonumber(ARGV[1])
local row = redis.call('XRANGE', log, '(' .. id(after), '+', 'COUNT', 1)[1]
if not row then return 0 end
local count, total = tonumber(row[2][4]), tonumber(row[2][6])
-- Of this chunk the records beyond count, of the ones behind it all.
return math.min(count, offsetOf(row[1]) - after) + fact('total') - total
