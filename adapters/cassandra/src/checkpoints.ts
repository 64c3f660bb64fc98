import type { Versioned, Write } from "sentseen/ports";
import { Batches } from "./batches.js";
import type { Call } from "./requests.js";
import type { Statements } from "./statements.js";
import { bigint, blob } from "./values.js";
import { versioned } from "./versioned.js";

type Checkpoint = Extract<Write, { kind: "checkpoint" }>;

/** Up to where the rows of each partition of the log are written. The greatest offset is the latest write. */
export class Checkpoints {
  constructor(private readonly statements: Statements) {}

  async put(call: Call, writes: readonly Checkpoint[]): Promise<void> {
    const batches = new Batches();
    for (const { topic, partition, offset, value } of writes) {
      const time = bigint(offset);
      const statement = this.statements.of("put-checkpoint", time, time, blob(value), topic, partition);
      batches.add(`${partition} ${topic}`, [statement]);
    }
    await call.land(batches);
  }

  async read(call: Call, topic: string, partition: number): Promise<Versioned | null> {
    const { rows } = await call.execute(this.statements.of("read-checkpoint", topic, partition));
    return versioned(rows[0]);
  }
}
