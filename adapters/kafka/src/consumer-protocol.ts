import { Reader, Writer } from "@platformatic/kafka";

// What members of a group tell each other through the broker, in Kafka's own form of it, so that its tools can show
// who owns what: github.com/apache/kafka, ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json.

const SUBSCRIPTION_VERSION = 2;
const ASSIGNMENT_VERSION = 0;

export interface Subscription {
  readonly owned: readonly number[];
  readonly generation: number;
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export function encodeSubscription(topic: string, { owned, generation }: Subscription): Buffer {
  const writer = Writer.create().appendInt16(SUBSCRIPTION_VERSION);
  writer.appendArray([topic], (to, name) => to.appendString(name, false), false, false).appendBytes(null, false);
  appendPartitions(writer, { topic, partitions: owned });
  return writer.appendInt32(generation).buffer;
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = Reader.from(bytes);
  const version = reader.readInt16();
  reader.readArray((from) => from.readString(false), false, false);
  reader.readNullableBytes(false);
  const owned = version >= 1 ? readPartitions(reader) : [];
  return { owned, generation: version >= 2 ? reader.readInt32() : -1 };
}

export function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  const writer = Writer.create().appendInt16(ASSIGNMENT_VERSION);
  return appendPartitions(writer, { topic, partitions }).appendBytes(null, false).buffer;
}

export function decodeAssignment(bytes: Buffer): number[] {
  if (bytes.length === 0) return [];
  const reader = Reader.from(bytes);
  reader.readInt16();
  return readPartitions(reader);
}

function appendPartitions(writer: Writer, { topic, partitions }: TopicPartitions): Writer {
  const topics = partitions.length === 0 ? [] : [topic];
  return writer.appendArray(
    topics,
    (to, name) =>
      to.appendString(name, false).appendArray([...partitions], (into, at) => into.appendInt32(at), false, false),
    false,
    false,
  );
}

function readPartitions(reader: Reader): number[] {
  const topics = reader.readArray(
    (from) => {
      from.readString(false);
      return from.readArray((at) => at.readInt32(), false, false);
    },
    false,
    false,
  );
  return topics.flat();
}
