import { decodeDeviceState, encodeDeviceState } from "../../src/messages/device-state-codec.js";
import type { Queue, Storage } from "../../src/ports/index.js";
import { wrapStorage } from "./planted.js";

/** Bugs of several nodes that the checker has to find, planted by wrapping the ports. */
export const BUGS_OF_NODES = {
  /** A command counts as known from whatever record, that of its own replay too. [R2 b] */
  "known-from-any-offset": ({ queue, storage }) => ({ queue, storage: knowingFromAnywhere(storage) }),
} satisfies Record<string, (ports: Ports) => Ports>;

export type BugOfNodes = keyof typeof BUGS_OF_NODES;

interface Ports {
  readonly queue: Queue;
  readonly storage: Storage;
}

function knowingFromAnywhere(storage: Storage): Storage {
  return wrapStorage(storage, {
    async deviceStates(keys) {
      const rows = await storage.deviceStates(keys);
      return rows.map((row) => {
        if (row === null) return null;
        const known = decodeDeviceState(row.value).map((command) => ({ ...command, offset: 0 }));
        return { ...row, value: encodeDeviceState(known) };
      });
    },
  });
}
