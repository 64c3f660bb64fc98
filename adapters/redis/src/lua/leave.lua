-- A node leaves a bucket: all of its entries there are over. A later life of it stays.
--
-- KEYS[1]  the nodes of the bucket
-- ARGV[1]  server_id
-- ARGV[2]  the node's life

if node(ARGV[1]) == tonumber(ARGV[2]) then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1
