import type { DeviceStateKey, Versioned, Write } from "sentseen/ports";
import { Batches } from "./batches.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { bigint, blob, numberOf, ttl } from "./values.js";
import { versioned } from "./versioned.js";

type DeviceStateWrite = Extract<Write, { kind: "device_state" }>;

/** What partitions of the log remember of devices' commands. The greatest offset is the latest write. */
export class DeviceStates {
  constructor(
    private readonly statements: Statements,
    /** Milliseconds after which the state of a device goes that sends nothing any more. */
    private readonly keepMs: number,
  ) {}

  async put(call: Call, writes: readonly DeviceStateWrite[]): Promise<void> {
    const batches = new Batches();
    const seconds = ttl(this.keepMs, 0);
    for (const { partition, user, device, value, offset } of writes) {
      const time = bigint(offset);
      const params = [time, seconds, time, blob(value), user, device, partition];
      batches.add(`${device} ${user}`, [this.statements.of("put-device-state", ...params)]);
    }
    await call.land(batches);
  }

  /** In the order of the keys; null for what isn't there. */
  async read(call: Call, keys: readonly DeviceStateKey[]): Promise<(Versioned | null)[]> {
    const found = new Array<Versioned | null>(keys.length).fill(null);
    await call.each(keys, async ({ user, device, partition }, index) => {
      const { rows } = await call.execute(this.statements.of("read-device-state", user, device, partition));
      found[index] = versioned(rows[0]);
    });
    return found;
  }

  /** Removes what there is of a device, and nothing that a later record makes. */
  async remove(call: Call, user: string, device: string): Promise<void> {
    const batches = new Batches();
    for (const row of await call.all(this.statements.of("read-device-states", user, device))) {
      const time = bigint(numberOf(row.record_offset) ?? 0);
      batches.add("", [this.statements.of("delete-device-state", time, user, device, row.log_partition)]);
    }
    await call.land(batches);
  }
}
