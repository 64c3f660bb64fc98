import type { BaseOptions } from "@platformatic/kafka";
import { ChatError } from "sentseen/ports";

/** How the cluster is reached, in the words of `@platformatic/kafka`. */
export type KafkaClientOptions = Pick<BaseOptions, "bootstrapBrokers" | "tls" | "sasl" | "tlsServerName"> & {
  /** What brokers see in their logs and quotas; default `sentseen`. */
  readonly clientId?: string;
  /** Milliseconds that a connection may take to come up; default 5,000. */
  readonly connectTimeout?: number;
};

export interface KafkaOptions {
  readonly client: KafkaClientOptions;
  /** What the names of topics and groups begin with; default `sentseen`. */
  readonly prefix?: string;
  /** Partitions of every topic, or of each: `{ commands: 24, deliveries: 48 }`, where others have 12. Default 12. */
  readonly partitions?: number | Readonly<Record<string, number>>;
  /** Which generation of the topics is used, from 1: a greater one has topics of its own. Default 1. */
  readonly generation?: number;
  /** Copies of each record, where topics are made; default 3, and 1 for a single broker. */
  readonly replicas?: number;
  /** Hours after which records go that nobody has committed; default 168. Those behind every group go in moments. */
  readonly retentionHours?: number;
  /** Milliseconds of silence after which a consumer has lost its partitions to others; default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Milliseconds after which a publish rejects with `store_unavailable`; default 30,000. */
  readonly publishTimeoutMs?: number;
  /** Bytes of one value, at most; default 1 MiB. */
  readonly maxItemBytes?: number;
  /** Bytes that may wait to be published to a topic; default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** Milliseconds between removals of what every group has committed; default 10,000. */
  readonly trimEveryMs?: number;
  /** Called with what goes wrong in the background, and is tried again. */
  readonly onError?: (error: ChatError) => void;
}

export type Settings = Required<KafkaOptions>;

/** Topics that no number was given for have so many partitions. */
const DEFAULT_PARTITIONS = 12;
const MOST_PARTITIONS = 10_000;

export function partitionsOf({ partitions }: Pick<Settings, "partitions">, topic: string): number {
  return typeof partitions === "number" ? partitions : (partitions[topic] ?? DEFAULT_PARTITIONS);
}

const DEFAULTS = {
  prefix: "sentseen",
  partitions: DEFAULT_PARTITIONS,
  generation: 1,
  replicas: 3,
  retentionHours: 168,
  sessionTimeoutMs: 10_000,
  publishTimeoutMs: 30_000,
  maxItemBytes: 1 << 20,
  maxWaitingBytes: 64 << 20,
  trimEveryMs: 10_000,
  onError: () => {},
} satisfies Omit<Settings, "client">;

const BOUNDS: Partial<Record<keyof KafkaOptions, readonly [number, number]>> = {
  generation: [1, 1_000_000],
  replicas: [1, 100],
  retentionHours: [1, 24 * 365 * 10],
  sessionTimeoutMs: [1_000, 300_000],
  publishTimeoutMs: [100, 600_000],
  maxItemBytes: [1_024, 64 << 20],
  maxWaitingBytes: [1 << 16, 2 ** 40],
  trimEveryMs: [100, 86_400_000],
};

/** The options with their defaults. Throws `config`, naming the option. */
export function settingsOf(options: KafkaOptions): Settings {
  const settings: Settings = { ...DEFAULTS, ...options };
  if (!Array.isArray(options.client?.bootstrapBrokers) || options.client.bootstrapBrokers.length === 0) {
    throw new ChatError("config", "client.bootstrapBrokers must name a broker.", { field: "client.bootstrapBrokers" });
  }
  if (!/^[a-zA-Z0-9._-]{1,100}$/.test(settings.prefix)) {
    throw new ChatError("config", "prefix must be 1 to 100 letters, digits, dots, dashes.", { field: "prefix" });
  }
  for (const [field, [least, most]] of Object.entries(BOUNDS)) {
    mustBeWhole(field, settings[field as keyof Settings], least, most);
  }
  if (typeof settings.partitions === "object") {
    for (const [topic, count] of Object.entries(settings.partitions)) mustBePartitions(`partitions.${topic}`, count);
  } else mustBePartitions("partitions", settings.partitions);
  return settings;
}

function mustBePartitions(field: string, count: unknown): void {
  mustBeWhole(field, count, 1, MOST_PARTITIONS);
}

function mustBeWhole(field: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new ChatError("config", `${field} must be a whole number from ${least} to ${most}.`, { field, limit: most });
}
