import type { DeviceRow, Write } from "sentseen/ports";
import { Batches } from "./batches.js";
import { Registrations, registrationOf } from "./registrations.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { bigint, blob, expiryOf, numberOf, ttl } from "./values.js";

type DeviceWrite = Extract<Write, { kind: "device" }>;

/** Seconds for which it is remembered that a registration was removed: no write for it lands later. */
const REMOVED_SECONDS = 30 * 86_400;

interface Registered extends DeviceRow {
  readonly registration: string;
}

/**
 * Devices. A position and what else is known are written with times of their own, the position and `seen_at`, so that
 * the greatest stays of each without a look at what is there.
 */
export class Devices {
  readonly #registrations: Registrations;

  constructor(
    private readonly statements: Statements,
    private readonly now: () => number,
  ) {
    this.#registrations = new Registrations(now);
  }

  async put(call: Call, writes: readonly DeviceWrite[]): Promise<void> {
    const now = this.now();
    const known = new Map(writes.map(({ user }) => [user, this.#registrations.of(user)]));
    await call.each([...known], async ([user, registrations]) => {
      if (registrations === null) known.set(user, (await this.#learn(call, user)).registrations);
    });
    const batches = new Batches();
    for (const { user, device, position, seen_at, value, expires_at } of writes) {
      const key = [user, device, registrationOf(known.get(user) as Map<string, string>, device)];
      const seconds = ttl(expiryOf(expires_at), now);
      const [at, seen] = [bigint(position), bigint(seen_at)];
      batches.add(user, [
        this.statements.of("put-device-position", at, seconds, at, ...key),
        this.statements.of("put-device-seen", seen, seconds, seen, blob(value), ...key),
      ]);
    }
    await call.land(batches);
  }

  async read(call: Call, user: string): Promise<DeviceRow[]> {
    const devices = new Map<string, DeviceRow>();
    for (const { registration: _, ...row } of (await this.#learn(call, user)).rows) {
      devices.set(row.device, later(devices.get(row.device) ?? row, row));
    }
    return [...devices.values()];
  }

  /** Removes a device as it is now registered. */
  async remove(call: Call, user: string, device: string): Promise<void> {
    await this.#registrations.forget(user, async () => {
      const batches = new Batches();
      for (const row of await call.all(this.statements.of("read-registrations", user, device))) {
        if (row.removed) continue;
        const time = Math.max(numberOf(row.position_time) ?? 0, numberOf(row.seen_time) ?? 0);
        const key = [user, device, row.registration_id];
        batches.add(user, [
          this.statements.of("put-removed", REMOVED_SECONDS, ...key),
          this.statements.of("delete-registration", bigint(time), ...key),
        ]);
      }
      await call.land(batches);
    });
  }

  #learn(call: Call, user: string) {
    return this.#registrations.learn(user, async () => {
      const rows = await call.all(this.statements.of("read-devices", user));
      // Where nothing says when it was seen, the device has expired or been removed.
      const there = rows.filter((row) => !row.removed && row.seen_at !== null);
      return there.map(
        (row): Registered => ({
          user,
          device: String(row.device_id),
          registration: String(row.registration_id),
          position: numberOf(row.position) ?? 0,
          seen_at: numberOf(row.seen_at) as number,
          value: row.value,
        }),
      );
    });
  }
}

/** What two registrations of one device come to, which two processes may make that meet it at the same time. */
function later(one: DeviceRow, other: DeviceRow): DeviceRow {
  const position = Math.max(one.position, other.position);
  return { ...(one.seen_at > other.seen_at ? one : other), position };
}
