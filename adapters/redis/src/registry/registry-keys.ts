import { partitionOf } from "sentseen/ports";

/**
 * What the registry's keys are called. Users, nodes and topics are spread over buckets, and all that a bucket has is in
 * one slot: so one script sees a user's entries together with the beats of their nodes.
 */
export class RegistryKeys {
  readonly #prefix: string;
  readonly buckets: number;

  constructor(prefix: string, buckets: number) {
    this.#prefix = prefix;
    this.buckets = buckets;
  }

  bucketOf(name: string): number {
    return partitionOf(name, this.buckets);
  }

  /** A hash of the nodes that beat in the bucket. */
  nodes(bucket: number): string {
    return `${this.#tag(bucket)}:nodes`;
  }

  /** The greatest generation that the bucket has given. */
  generations(bucket: number): string {
    return `${this.#tag(bucket)}:generation`;
  }

  /** A hash of a user's entries. */
  user(user: string): string {
    return `${this.#tag(this.bucketOf(user))}:user:${user}`;
  }

  /** The channels of a node; each of its lives has its own, with the life's number behind. */
  nodeChannels(server_id: string): string {
    return `${this.#tag(this.bucketOf(server_id))}:node:${server_id}:`;
  }

  topicChannel(topic: string): string {
    return `${this.#tag(this.bucketOf(topic))}:topic:${topic}`;
  }

  #tag(bucket: number): string {
    return `{${this.#prefix}:r:${bucket}}`;
  }
}
