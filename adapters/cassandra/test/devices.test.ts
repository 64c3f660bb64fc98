import { randomUUID } from "node:crypto";
import type { DeviceRow, Storage, Write } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshKeyspace, type Keyspace, opened } from "./keyspace.js";

/** Two processes on the same rows. */
let here: Storage;
let there: Storage;
let keyspace: Keyspace;
let clock = Date.now();

beforeAll(async () => {
  keyspace = await freshKeyspace();
  const now = () => clock;
  [here, there] = [await opened(keyspace, { now }), await opened(keyspace, { now })];
});
afterAll(async () => {
  await here.close();
  await there.close();
  await keyspace.drop();
});

function row(position: number, seen_at: number): DeviceRow {
  return { user: randomUUID(), device: randomUUID(), position, seen_at, value: Buffer.from(`${seen_at}`) };
}

function enter(device: DeviceRow, expires_at: number | null = null): Write {
  return { kind: "device", ...device, expires_at };
}

describe("a device", () => {
  test("that two processes enter at the same time is one, with the best of both", async () => {
    const device = row(100, 5_000);
    const later = { ...device, position: 50, seen_at: 9_000 };
    await Promise.all([here.write([enter(device)]), there.write([enter(later)])]);
    for (const storage of [here, there]) {
      expect(await storage.devices(device.user)).toEqual([{ ...later, position: 100 }]);
    }
    await here.write([{ kind: "device_removed", user: device.user, device: device.device }]);
    expect(await there.devices(device.user)).toEqual([]);
  });

  test("that was removed stays removed when another process, which hasn't heard of it, writes it late", async () => {
    const device = row(100, 5_000);
    await there.write([enter(device)]);
    await here.write([{ kind: "device_removed", user: device.user, device: device.device }]);
    await there.write([enter({ ...device, position: 900, seen_at: 9_000 })]);
    expect(await here.devices(device.user)).toEqual([]);
  });

  test("that was removed elsewhere can be entered with less by whoever has looked, or after a minute", async () => {
    for (const looks of [true, false]) {
      const device = row(100, 5_000);
      await there.write([enter(device)]);
      await here.write([{ kind: "device_removed", user: device.user, device: device.device }]);
      if (looks) expect(await there.devices(device.user)).toEqual([]);
      else clock += 61_000;
      const again = { ...device, position: 0, seen_at: 1_000 };
      await there.write([enter(again)]);
      expect(await here.devices(device.user)).toEqual([again]);
    }
  });

  test("that has expired starts with what it is given when it comes again", async () => {
    clock = Date.now();
    const device = row(100, 5_000);
    await here.write([enter(device, clock + 1_000)]);
    await until("it to expire", async () => (await here.devices(device.user)).length === 0, 10_000);
    const again = { ...device, position: 7, seen_at: 1_000 };
    await here.write([enter(again, clock + 60_000)]);
    expect(await there.devices(device.user)).toEqual([again]);
  });

  test("takes one request to note, once it is known", async () => {
    const device = row(1, 1);
    await here.write([enter(device)]);
    const before = await lookUps();
    for (let position = 2; position < 50; position++)
      await here.write([enter({ ...device, position, seen_at: position })]);
    expect((await lookUps()) - before).toBe(0);
    expect(await here.devices(device.user)).toMatchObject([{ position: 49, seen_at: 49 }]);
  });

  test("leaves states that a later record makes when it is removed", async () => {
    const device = row(1, 1);
    const key = { partition: 3, user: device.user, device: device.device };
    const value = new Uint8Array(1);
    const state = (offset: number): Write => ({ kind: "device_state", ...key, value, offset });
    await here.write([enter(device), state(10)]);
    await here.write([{ kind: "device_removed", user: device.user, device: device.device }]);
    await here.write([state(9), state(10)]);
    expect(await here.deviceStates([key])).toEqual([null]);
    await here.write([state(11)]);
    expect(await here.deviceStates([key])).toMatchObject([{ offset: 11 }]);
  });
});

/** Reads of the table of devices that the server has counted. */
async function lookUps(): Promise<number> {
  const { rows } = await keyspace.client.execute(
    `SELECT count FROM system_views.local_read_latency WHERE keyspace_name = '${keyspace.name}' AND table_name = 'devices'`,
  );
  return Number(rows[0]?.count ?? 0);
}
