import { type API, metadataV12 } from "@platformatic/kafka";
import { ChatError } from "sentseen/ports";
import { type Address, Connections } from "./connections.js";
import { CODE, codeOf, responseIn } from "./failure.js";
import type { KafkaClientOptions } from "./options.js";

/** A topic as the brokers describe it. */
export interface TopicShape {
  /** Changes with every life of the topic. */
  readonly id: string;
  /** The broker that leads each partition; -1 where none does now. */
  readonly leaders: readonly number[];
}

const METADATA_TIMEOUT_MS = 5_000;

/** What is known of the brokers, and connections to ask them over. */
export class Cluster {
  readonly #options: KafkaClientOptions;
  readonly #brokers = new Map<number, Address>();
  readonly #all: Connections[] = [];
  readonly #any: Connections;
  /** Where the next question to any broker begins, so that one that is down isn't asked first each time. */
  #turn = 0;

  constructor(options: KafkaClientOptions) {
    this.#options = options;
    this.#any = this.connections(METADATA_TIMEOUT_MS);
  }

  /** Connections for one purpose, which go with the cluster. */
  connections(requestTimeout: number): Connections {
    const made = new Connections(this.#options, requestTimeout);
    this.#all.push(made);
    return made;
  }

  close(): void {
    for (const connections of this.#all) connections.close();
  }

  /** Where a broker is. Throws `store_unavailable` for one that isn't known. */
  address(node: number): Address {
    const address = this.#brokers.get(node);
    if (address === undefined) throw new ChatError("store_unavailable", `Kafka's broker ${node} is not there.`);
    return address;
  }

  /** Asks the brokers one after another until one answers. */
  async askAny<Arguments extends unknown[], Answer>(api: API<Arguments, Answer>, ...args: Arguments): Promise<Answer> {
    const addresses = this.#addresses();
    let last: unknown;
    for (let tries = 0; tries < addresses.length; tries++) {
      const address = addresses[(this.#turn + tries) % addresses.length] as Address;
      try {
        return await this.#any.ask(address, api, ...args);
      } catch (error) {
        if (codeOf(error) !== null) throw error;
        last = error;
        this.#turn++;
      }
    }
    throw last;
  }

  /** Looks a topic up anew; null where there is none. */
  async look(topic: string): Promise<TopicShape | null> {
    const answer = await this.#metadata(topic);
    for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
    const found = answer.topics[0];
    if (found === undefined || found.errorCode === CODE.unknownTopicOrPartition) return null;
    if (found.errorCode === CODE.invalidTopic) {
      const text = `${topic} is no name for a topic of Kafka's: 249 letters, digits, dots, dashes at most.`;
      throw new ChatError("invalid", text, { field: "topic", limit: 249 });
    }
    const leaders: number[] = [];
    for (const { partitionIndex, leaderId } of found.partitions) leaders[partitionIndex] = leaderId;
    return { id: found.topicId, leaders };
  }

  async #metadata(topic: string): Promise<metadataV12.MetadataResponse> {
    try {
      return await this.askAny(metadataV12.api, [topic], false, false);
    } catch (error) {
      const answer = responseIn<metadataV12.MetadataResponse>(error);
      if (answer === null) throw error;
      return answer;
    }
  }

  #addresses(): Address[] {
    const given = this.#options.bootstrapBrokers.map((broker) => {
      if (typeof broker !== "string") return broker;
      const colon = broker.lastIndexOf(":");
      return colon < 0
        ? { host: broker, port: 9_092 }
        : { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) };
    });
    const known = new Map([...given, ...this.#brokers.values()].map((address) => [keyOf(address), address]));
    return [...known.values()];
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
