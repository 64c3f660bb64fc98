// What a test of the client finds on `window` in a page.
import * as sdk from "sentseen/client";
import { storeContract } from "../behaviour/client-store-contract.js";

/** Two values as JSON, maps and bytes included. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Map) return { map: [...part] };
    if (part instanceof Uint8Array) return { bytes: [...part] };
    if (part === undefined) return { undefined: true };
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}

/** Runs the contract of client stores on IndexedDB; answers what came of each test. */
async function runContract(): Promise<{ name: string; error?: string }[]> {
  const tests: { name: string; run: () => Promise<void> }[] = [];
  let stores = 0;
  storeContract(
    (name, run) => void tests.push({ name, run }),
    (value) => ({
      toEqual(wanted) {
        if (plain(value) !== plain(wanted)) throw new Error(`${plain(value)} is not ${plain(wanted)}`);
      },
    }),
    async () => {
      const name = `contract ${++stores} ${Date.now()}`;
      return () => sdk.indexedDbStore(name);
    },
    { durable: true },
  );
  const results = [];
  for (const { name, run } of tests) {
    const error = await run().then(
      () => undefined,
      (reason: unknown) => String(reason),
    );
    results.push(error === undefined ? { name } : { name, error });
  }
  return results;
}

/** A client with everything that it told, so that a test can ask for it. */
function openClient(user: string) {
  const client = sdk.createChatClient({
    url: `${location.origin.replace("http", "ws")}/chat`,
    token: user,
    store: sdk.indexedDbStore(user),
  });
  const told = { texts: [] as string[], statuses: [] as string[], states: [] as string[] };
  client.on("message", ({ text }) => told.texts.push(text));
  client.on("status", ({ text, status }) => told.statuses.push(`${text} ${status}`));
  client.on("state", (state) => told.states.push(state));
  return { client, told };
}

const page = { runContract, openClient };
export type InPage = typeof page;
Object.assign(globalThis, { inPage: page });
