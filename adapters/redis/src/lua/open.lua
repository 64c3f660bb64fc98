-- A group is going to read a log: from now on nothing is trimmed that it hasn't committed. Answers the birth of the log's
-- life, and the offset after which all records are there.
--
-- KEYS[1]  the log
-- KEYS[2]  what is known of it
-- ARGV[1]  the group

local birth = life()
redis.call('HSETNX', facts, 'c:' .. ARGV[1], 0)
return { text(birth), text(math.max(birth, fact('trimmed'))) }
