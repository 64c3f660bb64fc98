import { Admin } from "@platformatic/kafka";
import { endpoints } from "../../../scripts/services/services.js";

const { host, port } = endpoints.kafka;

/** How the tests' own Kafka is reached. */
export const client = { bootstrapBrokers: [`${host}:${port}`] };

/** What a test asks Kafka itself, about topics whose names begin with its prefix. */
export class Broker {
  readonly admin = new Admin({ clientId: "tests", ...client, timeout: 10_000 });
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Kafka's names of the test's topics. */
  async topics(): Promise<string[]> {
    const all = await this.admin.listTopics();
    return all.filter((name) => name.startsWith(this.#prefix)).sort();
  }

  /** Loses every topic of the test with all that it holds. */
  async wipe(): Promise<void> {
    const topics = await this.topics();
    if (topics.length > 0) await this.admin.deleteTopics({ topics });
  }

  /** Kafka's own offset of the first record that a partition still holds. */
  async startOf(partition: number): Promise<bigint> {
    const [name = ""] = await this.topics();
    const partitions = [{ partitionIndex: partition, timestamp: -2n }];
    const [topic] = await this.admin.listOffsets({ topics: [{ name, partitions }] });
    return topic?.partitions[0]?.offset ?? -1n;
  }

  async end(): Promise<void> {
    await this.wipe();
    await this.admin.close();
  }
}
