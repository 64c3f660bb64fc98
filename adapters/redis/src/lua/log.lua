-- What the scripts on the log of a partition begin with.
--
-- KEYS[1]  the log, a stream of chunks. A chunk is one entry with the fields "c", its records, "n", how many they are,
--          and "t", the total of the log with them. Its records have offsets one after the other, and the id of the entry
--          is the offset of the last: milliseconds, a dash, and the microseconds beyond.
-- KEYS[2]  what is known of the log, a hash:
--            birth       where this life of the log began: an offset that no record has
--            last        the greatest offset that was given
--            used        there once was a record
--            total       how many records there have been
--            trimmed     records up to this offset may be gone as every group has committed them
--            c:<group>   the offset that a group has committed, 0 at first
--
-- An offset is the time in microseconds since 1970 or one more than the last, whichever is greater.

local log, facts = KEYS[1], KEYS[2]

local function micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- The offset of the entry with that id.
local function offsetOf(id)
  local ms, us = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms) * 1000 + tonumber(us)
end

local function text(number)
  return string.format('%.0f', number)
end

local function fact(name)
  return tonumber(redis.call('HGET', facts, name) or 0)
end

-- The id of the entry whose last record has that offset.
local function id(offset)
  return text(math.floor(offset / 1000)) .. '-' .. text(offset % 1000)
end

-- Begins a new life of the log, above all offsets that it gave and above `floor`. What it holds stays. Answers its
-- birth.
local function begin(floor)
  local birth = math.max(micros(), fact('last') + 1, floor + 1)
  -- An empty stream stands for itself: one that isn't there was lost.
  redis.call('XADD', log, id(birth), 'c', '')
  redis.call('XDEL', log, id(birth))
  redis.call('HSET', facts, 'birth', text(birth), 'last', text(birth))
  return birth
end

-- The birth of the log's life and the last offset that it gave. A log that isn't there, or isn't there as a whole,
-- begins a new life.
local function life()
  local birth = redis.call('HGET', facts, 'birth')
  if birth and redis.call('EXISTS', log) == 1 then return tonumber(birth), fact('last') end
  local born = begin(0)
  return born, born
end
