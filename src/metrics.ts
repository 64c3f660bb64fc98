import type { Backend } from "./backend.js";
import { within } from "./log/within.js";
import type { Queue } from "./ports/queue.js";

/** One number, and what it is of. */
export interface Sample {
  /** Names and values; as many combinations at most as there are partitions and reasons. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric of this process. Counters only grow, from 0 at its start; gauges are as they are when they are asked for. */
export interface Metric {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  /** What it counts, in one sentence with the unit. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** The queue is asked how far it goes for so long (ms); what it didn't answer by then has no sample. */
const ASK_MS = 2_000;

/** What the metrics are made from when somebody asks for them. */
export interface MetricSources {
  readonly backend: Backend;
  readonly queue: Pick<Queue, "recordsAfter">;
  readonly connections: number;
}

/** All metrics, as of now. Asks the queue once for each partition that is this process's own. */
export async function collectMetrics({ backend, queue, connections }: MetricSources): Promise<readonly Metric[]> {
  const owned = backend.owned().map((partition) => ({
    ...partition,
    labels: { topic: partition.topic, partition: String(partition.partition) },
  }));
  const counted = [...backend.counted()];
  const { mailboxes, pending_bytes } = backend.stats();

  const ofPartitions = (name: string, help: string, value: (of: (typeof owned)[number]) => number): Metric =>
    gauge(
      name,
      help,
      owned.map((of) => ({ labels: of.labels, value: value(of) })),
    );
  const ofTopics = (name: string, help: string, value: (of: (typeof counted)[number][1]) => number): Metric =>
    counter(
      name,
      help,
      counted.map(([topic, counts]) => ({ labels: { topic }, value: value(counts) })),
    );

  const lags = await Promise.all(
    owned.map(async ({ topic, partition, applied, labels }): Promise<Sample[]> => {
      const asked = within(ASK_MS, queue.recordsAfter(topic, partition, applied));
      return asked.then((value) => [{ labels, value }]).catch(() => []);
    }),
  );
  return [
    single("sentseen_connections", "Sockets that are connected to this process.", connections),
    single("sentseen_mailboxes", "Mailboxes that this process holds in memory.", mailboxes),
    single("sentseen_pending_bytes", "Bytes of entries that are in memory and not in storage yet.", pending_bytes),
    ofPartitions("sentseen_partition_owner", "1 for each partition that is this process's own.", () => 1),
    gauge(
      "sentseen_consumer_lag_records",
      "Records that the queue holds and the partition's owner hasn't applied.",
      lags.flat(),
    ),
    ofPartitions(
      "sentseen_checkpoint_age_seconds",
      "Seconds that the partition's oldest change has waited to be in storage.",
      ({ writing }) => writing.unwrittenMs / 1000,
    ),
    ofPartitions(
      "sentseen_flush_age_seconds",
      "Seconds for which the partition's flush has been under way; 0 where none is.",
      ({ writing }) => writing.flushMs / 1000,
    ),
    ofTopics("sentseen_records_total", "Records that were read.", ({ records }) => records),
    ofTopics(
      "sentseen_redeliveries_total",
      "Records that came again and were known.",
      ({ redelivered }) => redelivered,
    ),
    ofTopics("sentseen_repeated_commands_total", "Commands that clients sent again.", ({ repeated }) => repeated),
    counter(
      "sentseen_dead_letters_total",
      "Records that couldn't be applied and were set aside.",
      counted.flatMap(([topic, { dead }]) =>
        Object.entries(dead).map(([reason, value]) => ({ labels: { topic, reason }, value })),
      ),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, kind: "gauge", help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, kind: "counter", help, samples };
}

function single(name: string, help: string, value: number): Metric {
  return gauge(name, help, [{ labels: {}, value }]);
}
