import { randomUUID } from "node:crypto";
import type { Storage, Write } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ensureServices,
  killServer,
  pauseServer,
  resumeServer,
  startServer,
} from "../../../scripts/services/services.js";
import { freshKeyspace, type Keyspace, opened } from "./keyspace.js";

const EVERYTHING = Number.MAX_SAFE_INTEGER;
const value = new Uint8Array(200).fill(5);

/** Writes and reads for as long as it is let, as several owners of partitions do, and remembers what was acknowledged. */
class Load {
  readonly acknowledged = new Map<string, number>();
  errors: unknown[] = [];
  calls = 0;
  #stopped = false;
  readonly #running: Promise<unknown>;

  constructor(
    private readonly storage: Storage,
    users: number,
  ) {
    const names = Array.from({ length: users }, () => randomUUID() as string);
    this.#running = Promise.all(names.map((user) => this.#run(user)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(user: string): Promise<void> {
    for (let position = 1; !this.#stopped; position++) {
      try {
        const write: Write = { kind: "mailbox", user, rows: [{ position, value }], expires_at: null };
        await this.storage.write([write, { kind: "receipt", conversation: user, user, delivered: position, read: 0 }]);
        this.acknowledged.set(user, position);
        const found = await this.storage.mailbox(user, position - 1, EVERYTHING, 9);
        expect(found.map((row) => row.position)).toEqual([position]);
        this.calls++;
      } catch (error) {
        this.errors.push(error);
      }
    }
  }
}

/** Waits until so much more has been done. */
async function goOn(load: Load, calls = 100): Promise<void> {
  const reached = load.calls + calls;
  await until(`${calls} more calls to end`, () => load.calls >= reached, 120_000);
}

describe("with three replicas", () => {
  let keyspace: Keyspace;
  let storage: Storage;

  beforeAll(async () => {
    await ensureServices(["cassandra-3"]);
    keyspace = await freshKeyspace("cassandra-3", 3);
    storage = await opened(keyspace);
  });
  afterAll(async () => {
    await storage.close();
    await keyspace.drop();
  });

  test("one that is killed and comes back costs no write, no read and no row", async () => {
    const load = new Load(storage, 4);
    await goOn(load);
    await killServer("cassandra-3-2", "SIGKILL");
    await goOn(load, 200);
    await startServer("cassandra-3-2");
    await goOn(load);
    await load.stop();
    expect(load.errors).toEqual([]);
    for (const [user, position] of load.acknowledged) {
      const rows = await storage.mailbox(user, 0, EVERYTHING, 100_000);
      expect(rows.map((row) => row.position)).toEqual(Array.from({ length: position }, (_, index) => index + 1));
      expect(await storage.receipts([user])).toEqual([[{ conversation: user, user, delivered: position, read: 0 }]]);
    }
  }, 300_000);

  test("one that stands still while its connections stay open costs no write and no read", async () => {
    const load = new Load(storage, 4);
    await goOn(load);
    await pauseServer("cassandra-3-3");
    try {
      await goOn(load, 200);
    } finally {
      await resumeServer("cassandra-3-3");
    }
    await goOn(load);
    await load.stop();
    expect(load.errors).toEqual([]);
  }, 300_000);
});

describe("with a single replica that stands still", () => {
  test("calls end with store_unavailable within their deadline, and go through when it goes on", async () => {
    const keyspace = await freshKeyspace();
    const storage = await opened(keyspace, { deadlineMs: 1_500, maxInFlight: 4, maxWaiting: 8 });
    const user = randomUUID();
    const write = (position: number) =>
      storage.write([{ kind: "mailbox", user, rows: [{ position, value }], expires_at: null }]);
    await write(1);
    await pauseServer("cassandra");
    try {
      const began = performance.now();
      const results = await Promise.allSettled([
        write(2),
        storage.mailbox(user, 0, EVERYTHING, 9),
        storage.devices("x"),
      ]);
      for (const result of results) {
        expect(result).toMatchObject({ status: "rejected", reason: { code: "store_unavailable", limit: 1_500 } });
      }
      expect(performance.now() - began).toBeLessThan(5_000);
      const many = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => write(10 + index)));
      const refused = many.filter((result) => result.status === "rejected" && result.reason.field === "maxWaiting");
      expect(refused.length).toBeGreaterThan(20);
      expect(refused[0]).toMatchObject({ reason: { code: "store_unavailable", limit: 8 } });
    } finally {
      await resumeServer("cassandra");
    }
    const accepted = () =>
      write(3).then(
        () => true,
        () => false,
      );
    await until("writes to be accepted again", accepted, 30_000);
    const positions = (await storage.mailbox(user, 0, EVERYTHING, 99)).map((row) => row.position);
    expect(positions).toEqual(expect.arrayContaining([1, 3]));
    await storage.close();
    await keyspace.drop();
  }, 60_000);
});
