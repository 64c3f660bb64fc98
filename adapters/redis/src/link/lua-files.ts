import { readLua } from "./read-lua.js";
import { Script } from "./script.js";

const nodes = readLua("nodes");
const log = readLua("log");

/** The operations of the registry. */
export const registryScripts = {
  join: new Script(nodes, readLua("join")),
  beat: new Script(nodes, readLua("beat")),
  leave: new Script(nodes, readLua("leave")),
  register: new Script(nodes, readLua("register")),
  refresh: new Script(nodes, readLua("refresh")),
  unregister: new Script(readLua("unregister")),
  lookup: new Script(nodes, readLua("lookup")),
  send: new Script(nodes, readLua("send")),
};

/** The operations of the queue. */
export const queueScripts = {
  publish: new Script(log, readLua("publish")),
  open: new Script(log, readLua("open")),
  read: new Script(log, readLua("read")),
  commit: new Script(log, readLua("commit")),
  count: new Script(log, readLua("count")),
  share: new Script(readLua("share")),
  take: new Script(readLua("take")),
  release: new Script(readLua("release")),
};

/** The operations of the rate limiter. */
export const limitScripts = {
  grant: new Script(readLua("grant")),
};
