interface Asked<Found> {
  readonly id: string;
  resolve(found: Found): void;
  reject(error: unknown): void;
}

/** Questions about single conversations or users; those of one turn of the loop for one owner go together. */
export class BatchedAsk<Found> {
  private asked = new Map<string, Asked<Found>[]>();

  constructor(private readonly askAll: (topic: string, ids: readonly string[]) => Promise<readonly Found[]>) {}

  ask(topic: string, id: string): Promise<Found> {
    if (this.asked.size === 0) setImmediate(() => this.flush());
    const asked = this.asked.get(topic) ?? [];
    this.asked.set(topic, asked);
    return new Promise((resolve, reject) => asked.push({ id, resolve, reject }));
  }

  private flush(): void {
    const { asked } = this;
    this.asked = new Map();
    for (const [topic, ofTopic] of asked) {
      const ids = ofTopic.map(({ id }) => id);
      this.askAll(topic, ids).then(
        (found) => {
          for (const [i, { resolve }] of ofTopic.entries()) resolve(found[i] as Found);
        },
        (error: unknown) => {
          for (const { reject } of ofTopic) reject(error);
        },
      );
    }
  }
}
