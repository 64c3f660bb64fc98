/**
 * Publishes until it is refused, throws away what was stored, and goes on until it is accepted again. Prints what
 * happens.
 */
import { isChatError } from "sentseen/ports";
import { lmdb } from "../../src/index.js";

const [directory = ""] = process.argv.slice(2);
const store = lmdb({ directory });
const { queue, storage } = store;
const item = { key: "key", value: new Uint8Array(200_000) };

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Whether an item was accepted; prints why not. */
async function publish(): Promise<boolean> {
  try {
    await queue.publish("commands", [item]);
    return true;
  } catch (error) {
    say(isChatError(error) ? `refused ${error.code}` : `failed ${String(error)}`);
    return false;
  }
}

process.on("unhandledRejection", (reason) => say(`unhandled ${String(reason)}`));
await storage.open();
await queue.open();
for (let count = 0; count < 1_000 && (await publish()); count++);
const offset = (await queue.head("commands", 0)) ?? 0;
await storage.write([{ kind: "checkpoint", topic: "commands", partition: 0, offset, value: new Uint8Array(0) }]);
while (store.size().used > 1_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
say("trimmed");
// Freed pages can be used once the transaction that freed them is the last but one.
for (let device = 0; device < 3; device++) {
  await storage.write([{ kind: "trim", user: `user ${device}`, position: 1 }]);
}
if (await publish()) say("accepted again");
await queue.close();
await storage.close();
say("closed");
