import { readFileSync } from "node:fs";
import { DIRECT_NAMESPACE, directConversation } from "../../src/model/ids.js";
import { DEFAULT_LIMITS } from "../../src/model/limits.js";
import * as protocol from "../../src/protocol/index.js";
import { MAX_DEPTH } from "../../src/protocol/json-bounds.js";
import { examples } from "./examples.js";
import { frameSections } from "./frame-tables.js";
import { closeCodes, errors, kinds, subProtocols } from "./tables.js";

/** What stands in the text as `{{name}}`. */
const VALUES: Readonly<Record<string, () => string | number>> = {
  json: () => protocol.JSON_TEXT,
  msgpack: () => protocol.MSGPACK,
  MESSAGE_BYTES: () => protocol.MESSAGE_BYTES,
  MESSAGE_FRAGMENTS: () => protocol.MESSAGE_FRAGMENTS,
  FRAMES_PER_MESSAGE: () => protocol.FRAMES_PER_MESSAGE,
  GREETING_BYTES: () => protocol.GREETING_BYTES,
  GREETING_FRAMES: () => protocol.GREETING_FRAMES,
  GREETING_SECONDS: () => protocol.GREETING_SECONDS,
  REQUESTS: () => protocol.REQUESTS,
  PAGE: () => protocol.PAGE,
  STAY_AWAY: () => protocol.STAY_AWAY,
  MAX_DEPTH: () => MAX_DEPTH,
  DIRECT_NAMESPACE: () => DIRECT_NAMESPACE,
  direct: () => directConversation("alice", "bob"),
  "table:sub-protocols": subProtocols,
  "table:kinds": kinds,
  "table:close-codes": closeCodes,
  "table:errors": errors,
  "frames:client": () => frameSections(protocol.CLIENT_FRAMES),
  "frames:server": () => frameSections(protocol.SERVER_FRAMES),
  examples,
  ...Object.fromEntries(Object.entries(DEFAULT_LIMITS).map(([name, value]) => [`limits.${name}`, () => value])),
  ...Object.fromEntries(
    Object.entries(protocol.ERRORS).map(([code, { close = "" }]) => [`close.${code}`, () => close]),
  ),
};

/** The page: the text beside this file, with what the protocol's source says filled in. */
export function page(): string {
  const text = readFileSync(new URL("page.md", import.meta.url), "utf8");
  return text.replaceAll(/\{\{([^}]+)\}\}/g, (_, name: string) => {
    const value = VALUES[name]?.();
    if (value === undefined || value === "") throw new Error(`nothing to fill in for {{${name}}}`);
    return String(value);
  });
}
