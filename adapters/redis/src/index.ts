export type { Address } from "./client/connection.js";
export type { RedisClient } from "./client/dial-with.js";
export { type Redis, type RedisOptions, redis } from "./redis.js";
