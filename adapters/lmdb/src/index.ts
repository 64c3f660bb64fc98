export { type Lmdb, type LmdbOptions, lmdb } from "./lmdb.js";
