import type { DeadReason } from "./dead-letters.js";

/** What the owners of a topic's partitions in this process have counted since it began: plain numbers that only grow. */
export class Counts {
  /** Records that were read. */
  records = 0;
  /** Records that came again and were known as done. */
  redelivered = 0;
  /** Commands with an id that an earlier record had: their clients sent them again. */
  repeated = 0;
  readonly dead: Record<DeadReason, number> = { undecodable: 0, inapplicable: 0 };

  get deadLetters(): number {
    return this.dead.undecodable + this.dead.inapplicable;
  }
}
