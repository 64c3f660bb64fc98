-- The next chunks of a log: the birth of its life, then the last offset and the bytes of each chunk, alternately. A
-- reader that is further than the log has seen records that the log forgot: it begins a new life.
--
-- KEYS[1]  the log
-- KEYS[2]  what is known of it
-- ARGV[1]  the offset after which records are wanted
-- ARGV[2]  chunks at most
-- ARGV[3]  bytes at most, but one chunk at least

local after = tonumber(ARGV[1])
local birth, last = life()
if after > last then birth = begin(after) end

local answer = { text(birth) }
local bytes = 0
for _, row in ipairs(redis.call('XRANGE', log, '(' .. id(after), '+', 'COUNT', ARGV[2])) do
  local chunk = row[2][2]
  bytes = bytes + #chunk
  if bytes > tonumber(ARGV[3]) and #answer > 1 then break end
  answer[#answer + 1] = text(offsetOf(row[1]))
  answer[#answer + 1] = chunk
end
return answer
