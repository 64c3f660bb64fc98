import { readFile } from "node:fs/promises";
import { get } from "node:http";
import { expect, it } from "vitest";
import { ERROR_TEXTS } from "../../src/error-texts.js";
import { ChatError, ERRORS, type ErrorCode } from "../../src/errors.js";
import { newId } from "../../src/model/ids.js";
import { openHouse } from "./support/house.js";
import { holdWheel } from "./support/wheel.js";

/** What makes the server answer with a code; or the test, from the root, that a user's deed does it in. */
const HIT_BY: Readonly<Record<ErrorCode, string | (() => Promise<void>)>> = {
  malformed: "test/behaviour/hostile-frames.test.ts",
  unknown_type: "test/behaviour/hostile-frames.test.ts",
  invalid: "test/behaviour/history.test.ts",
  too_large: "test/behaviour/hostile-frames.test.ts",
  unauthenticated: "test/behaviour/heartbeat.test.ts",
  token_refused: "test/behaviour/tokens.test.ts",
  hello_timeout: "test/behaviour/heartbeat.test.ts",
  already_greeted: "test/behaviour/heartbeat.test.ts",
  rate_limited: "test/behaviour/order-of-a-device.test.ts",
  refused: "test/behaviour/hooks.test.ts",
  not_found: "test/behaviour/group-permissions.test.ts",
  not_member: "test/behaviour/repeated-sends.test.ts",
  forbidden: "test/behaviour/groups.test.ts",
  already_exists: "test/behaviour/groups.test.ts",
  group_full: "test/behaviour/groups.test.ts",
  not_kept: "test/behaviour/history.test.ts",
  store_unavailable: "test/behaviour/storage-or-queue-away.test.ts",
  timeout: "test/behaviour/host-sends.test.ts",
  replaced: "test/behaviour/takeover.test.ts",
  disconnected: "test/behaviour/host-connections.test.ts",
  undecryptable: "test/property/e2ee-ratchet.test.ts",
  replayed: "test/property/e2ee-ratchet.test.ts",
  untrusted: "test/property/e2ee-handshake.test.ts",
  closed: "test/behaviour/host-sends.test.ts",
  config: "test/behaviour/options.test.ts",
  incompatible: "test/behaviour/options.test.ts",
  in_use: "adapters/lmdb/test/ownership.test.ts",
  corrupt: "adapters/lmdb/test/damage.test.ts",

  async draining() {
    const house = await openHouse();
    const alice = await house.client("alice");
    await house.server.close();
    expect(alice.all("goaway")).toMatchObject([{ code: "draining" }]);
    expect(await alice.closed()).toBe(ERRORS.draining.close);
  },

  async overloaded() {
    const house = await openHouse({ maxConnections: 1 });
    await house.client("alice");
    const headers = { connection: "upgrade", upgrade: "websocket" };
    const text = await new Promise((resolve, reject) => {
      get(house.url.replace("ws:", "http:"), { headers, agent: false }, (answer) => {
        answer.setEncoding("utf8").once("data", resolve);
      }).on("error", reject);
    });
    expect(text).toBe(ERROR_TEXTS.overloaded);
    // One that was let in may still ask for more than the nodes behind take on.
    const busy = await openHouse({
      aroundStorage: (method, _args, run) =>
        method === "devices" ? Promise.reject(new ChatError("overloaded")) : run(),
    });
    const bob = await busy.socket();
    bob.send({ type: "hello", token: "bob", device: { id: newId() } });
    expect(await bob.closed()).toBe(ERRORS.overloaded.close);
  },

  async idle() {
    const wheel = holdWheel();
    const house = await openHouse({ limits: { idle_seconds: 4 } });
    const alice = await house.client("alice");
    alice.socket.pause();
    await wheel.pass(5);
    alice.socket.resume();
    expect(await alice.closed()).toBe(ERRORS.idle.close);
  },

  async slow() {
    const wheel = holdWheel();
    const house = await openHouse();
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    bob.socket.pause();
    const waiting = () => house.server.connections("bob")[0]?.waiting_bytes ?? 0;
    for (let i = 0; i < 300 && waiting() < 256 * 1024; i++) await alice.say({ user: "bob" }, "x".repeat(60_000));
    for (let second = 0; second < 60; second += 10) {
      await wheel.pass(10);
      await alice.caughtUp();
    }
    // It is looked at every 15 seconds from the first on, and cut a second after it was told to close.
    await wheel.pass(1);
    bob.socket.resume();
    expect(await bob.closed()).toBe(ERRORS.slow.close);
  },

  async internal() {
    const house = await openHouse({
      retention: "forever",
      aroundStorage(method, _args, run) {
        if (method === "conversationsOf") throw new TypeError("a fault of the adapter's");
        return run();
      },
    });
    const alice = await house.client("alice");
    expect(await alice.refused({ type: "conversations" })).toMatchObject({
      code: "internal",
      message: ERROR_TEXTS.internal,
    });
    expect(house.errors).toEqual([expect.objectContaining({ message: "a fault of the adapter's" })]);
    // It concerns the request alone.
    await alice.say({ user: "alice" }, "still here");
  },
};

it.each(Object.keys(ERRORS) as ErrorCode[])("%s is something that a server comes to say", async (code) => {
  const hit = HIT_BY[code];
  if (typeof hit === "function") return hit();
  const test = await readFile(new URL(`../../${hit}`, import.meta.url), "utf8");
  expect(test).toContain(`"${code}"`);
});
