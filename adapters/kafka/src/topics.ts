import { setTimeout as pause } from "node:timers/promises";
import { ConfigResourceTypes, createTopicsV7, describeConfigsV4 } from "@platformatic/kafka";
import { ChatError } from "sentseen/ports";
import type { Cluster, TopicShape } from "./cluster.js";
import { CODE, codeOf } from "./failure.js";
import { type Offsets, offsetsSince } from "./offsets.js";
import { partitionsOf, type Settings } from "./options.js";
import { configFor, createdAtOf, faultOf, type TopicConfig } from "./topic-settings.js";

/** A life of a topic: from when it was made until it is deleted. */
export interface Topic extends TopicShape {
  /** Its name in Kafka. */
  readonly name: string;
  readonly offsets: Offsets;
}

const CREATE_TIMEOUT_MS = 15_000;
/** Leaders are looked up anew at most this often, however many ask. */
const LOOK_EVERY_MS = 100;

/** The topics in use: makes those that aren't there, and refuses those that don't fit. */
export class Topics {
  readonly #cluster: Cluster;
  readonly #settings: Settings;
  readonly #known = new Map<string, Promise<Topic>>();
  readonly #looked = new Map<string, number>();

  constructor(cluster: Cluster, settings: Settings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  partitions(topic: string): number {
    return partitionsOf(this.#settings, topic);
  }

  nameOf(topic: string): string {
    return `${this.#settings.prefix}.${topic}.${this.#settings.generation}`;
  }

  /** The topic as it was last seen. Made where it isn't there. */
  get(topic: string): Promise<Topic> {
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    return this.#remember(topic, this.#find(topic));
  }

  /** The topic as it is now: its leaders may have changed, or it began another life. */
  look(topic: string): Promise<Topic> {
    const known = this.#known.get(topic);
    if (known !== undefined && performance.now() - (this.#looked.get(topic) ?? 0) < LOOK_EVERY_MS) return known;
    return this.#remember(topic, this.#lookAgain(topic, known));
  }

  #remember(topic: string, finding: Promise<Topic>): Promise<Topic> {
    this.#looked.set(topic, performance.now());
    this.#known.set(topic, finding);
    finding.catch(() => {
      if (this.#known.get(topic) === finding) this.#known.delete(topic);
    });
    return finding;
  }

  async #lookAgain(topic: string, known: Promise<Topic> | undefined): Promise<Topic> {
    const before = await known?.catch(() => undefined);
    const shape = await this.#cluster.look(this.nameOf(topic));
    if (before === undefined || shape?.id !== before.id) return this.#find(topic);
    return { ...before, leaders: shape.leaders };
  }

  async #find(topic: string): Promise<Topic> {
    const name = this.nameOf(topic);
    const shape = (await this.#cluster.look(name)) ?? (await this.#create(topic, name));
    this.#mustHavePartitions(topic, name, shape.leaders.length);
    const config = await this.#config(name);
    const fault = faultOf(config, this.#settings);
    if (fault !== null) throw new ChatError("config", `Kafka's topic ${name}: ${fault}.`, { field: name });
    return { ...shape, name, offsets: offsetsSince(createdAtOf(config) as number) };
  }

  async #create(topic: string, name: string): Promise<TopicShape> {
    const { replicas } = this.#settings;
    const configs = Object.entries(configFor(this.#settings, Date.now())).map(([key, value]) => ({ name: key, value }));
    const wanted = {
      name,
      numPartitions: this.partitions(topic),
      replicationFactor: replicas,
      assignments: [],
      configs,
    };
    try {
      await this.#cluster.askAny(createTopicsV7.api, [wanted], CREATE_TIMEOUT_MS, false);
    } catch (cause) {
      const code = codeOf(cause);
      if (code === CODE.invalidReplicationFactor) {
        const text = `Kafka has fewer than ${replicas} brokers for topic ${name}; a single one takes replicas: 1.`;
        throw new ChatError("config", text, { field: "replicas", cause });
      }
      // Another node was quicker, with the same settings.
      if (code !== CODE.topicAlreadyExists) throw cause;
    }
    return this.#led(name, this.partitions(topic));
  }

  /** Waits until every partition of a new topic has a leader. */
  async #led(name: string, partitions: number): Promise<TopicShape> {
    const deadline = performance.now() + CREATE_TIMEOUT_MS;
    for (;;) {
      const shape = await this.#cluster.look(name);
      if (shape?.leaders.every((leader) => leader >= 0)) return shape;
      if (performance.now() > deadline) {
        throw new ChatError("store_unavailable", `The ${partitions} partitions of topic ${name} have no leaders.`);
      }
      await pause(20);
    }
  }

  async #config(name: string): Promise<TopicConfig> {
    const asked = { resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configurationKeys: null };
    const { results } = await this.#cluster.askAny(describeConfigsV4.api, [asked], false, false);
    return Object.fromEntries((results[0]?.configs ?? []).map(({ name, value }) => [name, value ?? ""]));
  }

  #mustHavePartitions(topic: string, name: string, found: number): void {
    const wanted = this.partitions(topic);
    if (found === wanted) return;
    const text =
      `Kafka's topic ${name} has ${found} partitions, not ${wanted}. Another number would move conversations to other ` +
      "partitions and break their order. Leave it, or set a greater `generation`, which has topics of its own, once " +
      "all consumers have come to the end of this one (see the README).";
    throw new ChatError("config", text, { field: `partitions.${topic}`, limit: found });
  }
}
