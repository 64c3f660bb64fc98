import { Packr } from "msgpackr";
import { ChatError } from "../errors.js";
import type { Offset, Queue } from "../ports/queue.js";

/** The queue's topic for records that couldn't be applied. No part of the server reads it. */
export const DEAD_LETTERS = "dead_letters";

/** Why a record couldn't be applied: its bytes say nothing, or what they say can't be done. */
export type DeadReason = "undecodable" | "inapplicable";

/** A record that was set aside. The same one may come more than once: topic, partition and offset name it. */
export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
  readonly reason: DeadReason;
  /** What was thrown, for people. */
  readonly error: string;
  /** The record's bytes. */
  readonly value: Uint8Array;
}

const VERSION = 1;
const ERROR_LENGTH = 1_000;
/** Dead letters of one publish at most, as a queue may bound that. */
const AT_ONCE = 100;
const packr = new Packr({ useRecords: false, variableMapSize: true });

/**
 * Holds the records of one partition that couldn't be applied until the queue has accepted them as dead letters, which
 * the partition's flush waits for: none is skipped by a checkpoint. [R5]
 */
export class DeadLetters {
  /** About how many bytes of memory wait. */
  bytes = 0;
  private waiting: DeadLetter[] = [];

  constructor(
    private readonly queue: Pick<Queue, "publish">,
    private readonly topic: string,
    private readonly partition: number,
  ) {}

  /** Whether some wait to be accepted. */
  get some(): boolean {
    return this.waiting.length > 0;
  }

  add(offset: Offset, value: Uint8Array, reason: DeadReason, error: unknown): void {
    const { topic, partition } = this;
    const text = (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LENGTH);
    this.waiting.push({ topic, partition, offset, reason, error: text, value: Uint8Array.from(value) });
    this.bytes += value.length;
  }

  /** Resolves when the queue has accepted all. Rejects with `store_unavailable`; call it again then. */
  async accepted(): Promise<void> {
    while (this.waiting.length > 0) {
      const sent = this.waiting.slice(0, AT_ONCE);
      const key = `${this.topic}/${this.partition}`;
      await this.queue.publish(
        DEAD_LETTERS,
        sent.map((letter) => ({ key, value: encode(letter) })),
      );
      this.waiting.splice(0, sent.length);
      for (const { value } of sent) this.bytes -= value.length;
    }
  }
}

function encode({ topic, partition, offset, reason, error, value }: DeadLetter): Uint8Array {
  return packr.pack([VERSION, topic, partition, offset, reason, error, value]);
}

/** What stands in a record of the topic `DEAD_LETTERS`. Throws `corrupt` for other bytes. */
export function readDeadLetter(bytes: Uint8Array): DeadLetter {
  let form: unknown;
  try {
    form = packr.unpack(bytes);
  } catch (cause) {
    throw new ChatError("corrupt", "A dead letter can't be read.", { cause });
  }
  if (!Array.isArray(form) || form[0] !== VERSION) {
    throw new ChatError("corrupt", `A dead letter of another version than ${VERSION}.`);
  }
  const [, topic, partition, offset, reason, error, value] = form as [number, ...Values];
  return { topic, partition, offset, reason, error, value };
}

type Values = [string, number, Offset, DeadReason, string, Uint8Array];
