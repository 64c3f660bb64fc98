/** Opens each directory that is given and reads all that is in it. Prints a line each: "read N" or "CODE TEXT". */
import { isChatError } from "sentseen/ports";
import { lmdb } from "../../src/index.js";

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function readAll(directory: string): Promise<number> {
  const { queue, storage } = lmdb({ directory });
  let count = 0;
  try {
    await storage.open();
    await queue.open();
    for (let user = 0; user < 50; user++) {
      count += (await storage.mailbox(`user ${user}`, 0, Number.MAX_SAFE_INTEGER, 10_000)).length;
    }
    const head = await queue.head("commands", 0);
    const { promise, resolve } = settled();
    const consumption = await queue.consume("commands", "reader", {
      assigned: async () => null,
      batch: (_, records) => {
        count += records.length;
        if (records.at(-1)?.offset === head) resolve();
      },
      revoked: async () => {},
    });
    if (head !== null) await promise;
    await consumption.stop();
    await storage.write([{ kind: "trim", user: "user 1", position: 1_000 }]);
    return count;
  } finally {
    await queue.close();
    await storage.close();
  }
}

function settled(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

for (const directory of process.argv.slice(2)) {
  try {
    say(`read ${await readAll(directory)}`);
  } catch (error) {
    say(isChatError(error) ? `${error.code} ${error.message.replaceAll("\n", " ")}` : `failed ${String(error)}`);
  }
}
say("done");
