import { randomUUID } from "node:crypto";
import type { Offset } from "sentseen/ports";
import { until } from "sentseen/testing";
import { afterEach, expect, test } from "vitest";
import { kafka } from "../src/index.js";
import { Broker, client } from "./broker.js";
import { codeOf } from "./code-of.js";
import { Reader } from "./reader.js";

const TOPIC = "topic";
const prefix = `test-${randomUUID()}`;
const broker = new Broker(prefix);
const part = kafka({ client, prefix, partitions: 2, replicas: 1, sessionTimeoutMs: 2_000 });

afterEach(async () => {
  await part.queue.close();
  await broker.end();
});

test("how far a group is behind is told for each partition, whoever asks", async () => {
  expect(await codeOf(part.lag(TOPIC, "group"))).toBe("closed");
  await part.queue.open();
  const items = Array.from({ length: 10 }, (_, value) => ({ key: "key", value: Buffer.from([value]), partition: 1 }));
  await part.queue.publish(TOPIC, items);
  expect((await part.lag(TOPIC, "group")).map(({ records }) => records)).toEqual([0, 10]);
  const reader = new Reader();
  const consumption = await part.queue.consume(TOPIC, "group", reader);
  await until("all to arrive", () => reader.records.length === 10, 30_000);
  await consumption.commit(1, reader.offsets()[6] as Offset);
  expect(await part.lag(TOPIC, "group")).toEqual([
    { partition: 0, records: 0 },
    { partition: 1, records: 3 },
  ]);
  expect({ ...part }).toEqual({ queue: part.queue });
});
