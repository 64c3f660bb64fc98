import { initProducerIdV4 } from "@platformatic/kafka";
import type { Cluster } from "./cluster.js";

/**
 * Sequence numbers are 32 bits wide. They begin again under another id long before, as the end is a place where
 * clients disagree.
 */
const MOST = 2 ** 30;

/** A producer as the brokers know it: what it sends again under the same number is stored once. */
export interface ProducerId {
  readonly id: bigint;
  readonly epoch: number;
}

export async function newProducerId(cluster: Cluster): Promise<ProducerId> {
  const answer = await cluster.askAny(initProducerIdV4.api, null, 0, -1n, -1);
  return { id: answer.producerId, epoch: answer.producerEpoch };
}

/** The numbers of one partition's records. */
export class Sequence {
  readonly producer: ProducerId;
  #next = 0;

  constructor(producer: ProducerId) {
    this.producer = producer;
  }

  get next(): number {
    return this.#next;
  }

  get isUsedUp(): boolean {
    return this.#next > MOST;
  }

  /** So many records are stored. */
  advance(count: number): void {
    this.#next += count;
  }
}
