import { setTimeout as pause } from "node:timers/promises";
import { connectAll, drained, Ticker } from "./clients.js";
import type { BroadcastJob, LoadResult } from "./job.js";
import { Samples } from "./samples.js";
import { Window } from "./window.js";
import type { LoadClient, Wire } from "./wire.js";

/** Send times are kept per group in a ring. */
const RING = 1_024;

interface Group {
  sender: LoadClient;
  next: number;
  acked: number;
  owed: number;
  readonly sentAt: Float64Array;
}

/**
 * Groups of which one member sends, with a fixed number of messages in flight counted by acks, and every other one
 * receives: all of them, in order, each once. Deliveries are what is counted.
 */
export async function broadcastLoad(job: BroadcastJob, wire: Wire): Promise<LoadResult> {
  const acks = new Samples();
  const deliveries = new Samples();
  const load = { running: true, measuring: false, sent: 0, acked: 0, delivered: 0 };
  const clients: LoadClient[] = [];
  const receivers = job.members - 1;

  const connectReceiver = (group: Group, index: number, member: number): LoadClient => {
    let expected = 0;
    return wire(
      { port: job.port, user: `member-${index}-${member}`, target: { kind: "group", group: index } },
      {
        ack: () => {
          throw new Error("A receiver was acknowledged.");
        },
        delivery(number) {
          if (number !== expected++) throw new Error(`delivery ${number} came where ${expected - 1} was due.`);
          load.delivered++;
          if (load.measuring) deliveries.add(performance.now() - (group.sentAt[number % RING] as number));
        },
        read() {},
      },
    );
  };

  const send = (group: Group, count: number): void => {
    const now = performance.now();
    for (let i = 0; i < count; i++) group.sentAt[(group.next + i) % RING] = now;
    group.sender.send(group.next, count);
    group.next += count;
    load.sent += count;
  };

  const connectSender = (group: Group, index: number): LoadClient => {
    const members = Array.from({ length: receivers }, (_, member) => `member-${index}-${member}`);
    return wire(
      { port: job.port, user: `owner-${index}`, target: { kind: "group", group: index, members } },
      {
        ack(number) {
          if (number !== group.acked++) throw new Error(`ack ${number} came where ${group.acked - 1} was due.`);
          load.acked++;
          group.owed++;
          if (load.measuring) acks.add(performance.now() - (group.sentAt[number % RING] as number));
        },
        delivery: () => {
          throw new Error("A sender got its own message as a delivery.");
        },
        read() {
          const { owed } = group;
          group.owed = 0;
          if (owed > 0 && load.running) send(group, owed);
        },
      },
    );
  };

  const groups = Array.from({ length: job.groups }, () => ({
    sender: undefined as unknown as LoadClient,
    next: 0,
    acked: 0,
    owed: 0,
    sentAt: new Float64Array(RING),
  }));
  await connectAll(job.groups * receivers, (index) => {
    const group = Math.floor(index / receivers);
    const client = connectReceiver(groups[group] as Group, group, index % receivers);
    clients.push(client);
    return [client.ready];
  });
  await connectAll(job.groups, (index) => {
    const group = groups[index] as Group;
    group.sender = connectSender(group, index);
    clients.push(group.sender);
    return [group.sender.ready];
  });
  const ticker = new Ticker(clients);

  for (const group of groups) send(group, job.in_flight);
  await pause(job.warmup_seconds * 1000);
  const before = load.delivered;
  const window = new Window(job.server_pid);
  load.measuring = true;
  await pause(job.seconds * 1000);
  load.measuring = false;
  const messages = load.delivered - before;
  const use = window.end();
  load.running = false;
  await drained(
    () => load.acked === load.sent && load.delivered === load.sent * receivers,
    () => JSON.stringify(load),
  );
  ticker.stop();
  for (const client of clients) client.close();
  return {
    messages,
    ack_p50_ms: acks.quantile(0.5),
    ack_p99_ms: acks.quantile(0.99),
    deliver_p50_ms: deliveries.quantile(0.5),
    deliver_p99_ms: deliveries.quantile(0.99),
    use,
  };
}
