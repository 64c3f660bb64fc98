/** What the keys and channels of a topic are called. A topic's name may hold anything, a key's tag no braces. */
export class QueueKeys {
  readonly #tag: string;

  constructor(prefix: string, topic: string) {
    this.#tag = `${prefix}:q:${encodeURIComponent(topic)}`;
  }

  /** How many partitions the topic has. */
  get partitions(): string {
    return `{${this.#tag}}:partitions`;
  }

  /** A group's members and leases. */
  group(group: string): string {
    return `{${this.#tag}}:group:${group}`;
  }

  /** Wakes a group's members. */
  groupWake(group: string): string {
    return `{${this.#tag}}:wake:${group}`;
  }

  log(partition: number): string {
    return `{${this.#tag}:${partition}}:log`;
  }

  facts(partition: number): string {
    return `{${this.#tag}:${partition}}:facts`;
  }

  /** The number of a publisher's last call. */
  publisher(partition: number, publisher: string): string {
    return `{${this.#tag}:${partition}}:publisher:${publisher}`;
  }

  /** Wakes who reads a partition. */
  wake(partition: number): string {
    return `{${this.#tag}:${partition}}:wake`;
  }
}
