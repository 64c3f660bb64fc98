-- What the scripts of the registry begin with: the nodes of a bucket and which of them are alive.
--
-- KEYS[1]  hash: server_id → "life:count:beat". `life` tells the lives of one server_id apart and grows; `count` is
--          the number of the beat; `beat` is when it came, in microseconds since 1970 by this server's clock.

local function micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function text(number)
  return string.format('%.0f', number)
end

-- life, count and beat of a node; nil where it isn't known.
local function node(server_id)
  local found = redis.call('HGET', KEYS[1], server_id)
  if not found then return nil end
  local life, count, beat = string.match(found, '^(%d+):(%d+):(%d+)$')
  return tonumber(life), tonumber(count), tonumber(beat)
end

-- The last beat of that life of a node; nil where it is over or the beat is older than `limit` microseconds.
local function alive(server_id, life, now, limit)
  local current, _, beat = node(server_id)
  if current and current == tonumber(life) and now - beat <= limit then return beat end
  return nil
end

-- An entry as it is stored, "generation:connection_id:life:server_id", in parts; nil where it can't be read.
local function parts(entry)
  return string.match(entry, '^(%d+):(%d+):(%d+):(.*)$')
end
