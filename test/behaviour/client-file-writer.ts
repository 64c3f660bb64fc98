// Writes entries to a file store, one a step, from the first seq that is missing on; prints each seq once it is kept.
import { fileStore } from "../../src/client/node.js";
import { entry, step } from "./client-store-contract.js";

const [directory, size] = process.argv.slice(2) as [string, string];
const store = fileStore(directory);
await store.open();
const { conversation } = entry(1);
const [newest] = await store.entries({ conversation, after: 0, before: 1e9, limit: 1, last: true });
const text = "x".repeat(Number(size));
for (let seq = (newest?.seq ?? 0) + 1; ; seq++) {
  await store.write(step({ entries: [entry(seq, text)] }));
  process.stdout.write(`${seq}\n`);
}
