/**
 * Opens the directory that is given, publishes on command and prints what became of it, a line each:
 * "open", or "refused CODE TEXT", then "accepted N" for each item whose publish resolved.
 */
import { isChatError } from "sentseen/ports";
import { lmdb } from "../../src/index.js";

const [directory = "", items = "0", hold = "hold"] = process.argv.slice(2);
const { queue, storage } = lmdb({ directory });

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await storage.open();
  await queue.open();
  say("open");
  const publish = async (value: number) => {
    await queue.publish("commands", [{ key: "key", value: new TextEncoder().encode(String(value)) }]);
    say(`accepted ${value}`);
  };
  for (let value = 0; value < Number(items); value += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, index) => publish(value + index)));
  }
  if (hold === "hold") {
    await new Promise((resolve) => process.stdin.once("end", resolve).resume());
  }
  await queue.close();
  await storage.close();
} catch (error) {
  say(isChatError(error) ? `refused ${error.code} ${error.message}` : `failed ${String(error)}`);
}
