import type { Settings } from "./options.js";

/**
 * The setting of a topic that holds when it was made, in milliseconds since 1970. It has no effect on a topic that
 * isn't compacted, is set in the same step in which the topic is made, and goes with it.
 */
const CREATED_AT = "max.compaction.lag.ms";

/** Before the year 2001 or beyond 2200 it isn't a time at which a topic was made. */
const EARLIEST = 1_000_000_000_000;
const LATEST = 7_258_000_000_000;

/** What records need beyond their value: key, headers, the batch's own. */
const OVERHEAD_BYTES = 64 << 10;

const HOUR_MS = 3_600_000;

export type TopicConfig = Readonly<Record<string, string>>;

/** What a topic is made with. */
export function configFor(settings: Settings, now: number): TopicConfig {
  return {
    [CREATED_AT]: String(now),
    "cleanup.policy": "delete",
    "retention.ms": String(settings.retentionHours * HOUR_MS),
    "retention.bytes": "-1",
    // Bytes go from the disk with their segment, so one must not last.
    "segment.ms": String(HOUR_MS),
    // Retention goes by the broker's clock: a publisher whose clock is wrong can't make records vanish.
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(settings.maxItemBytes + OVERHEAD_BYTES),
    "min.insync.replicas": String(settings.replicas > 2 ? 2 : 1),
    "unclean.leader.election.enable": "false",
  };
}

/** When the topic was made, if its settings say so. */
export function createdAtOf(config: TopicConfig): number | null {
  const value = Number(config[CREATED_AT]);
  return value >= EARLIEST && value <= LATEST ? value : null;
}

/** What is wrong with the settings of a topic that somebody else made; null for nothing. */
export function faultOf(config: TopicConfig, settings: Settings): string | null {
  if (createdAtOf(config) === null) {
    return `${CREATED_AT} must be the time of its creation in milliseconds since 1970: offsets go on from there`;
  }
  if (config["cleanup.policy"] !== "delete") return "cleanup.policy must be delete, or messages are lost";
  if (config["unclean.leader.election.enable"] === "true") {
    return "unclean.leader.election.enable must be false, or messages are lost when a broker fails";
  }
  if (settings.replicas > 2 && Number(config["min.insync.replicas"]) < 2) {
    return "min.insync.replicas must be at least 2, or messages are lost when a broker fails";
  }
  if (Number(config["max.message.bytes"]) < settings.maxItemBytes + OVERHEAD_BYTES) {
    return `max.message.bytes must be at least ${settings.maxItemBytes + OVERHEAD_BYTES}, as maxItemBytes is given`;
  }
  return null;
}
