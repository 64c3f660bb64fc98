import { setTimeout as pause } from "node:timers/promises";
import { connectAll, drained, Ticker } from "./clients.js";
import type { LoadResult, RelayJob } from "./job.js";
import { Samples } from "./samples.js";
import { Window } from "./window.js";
import type { LoadClient, Wire } from "./wire.js";

/** Send times are kept per pair in a ring; more messages than this are never unacknowledged in a row that counts. */
const RING = 4_096;
/** How much of the pacer's own lateness isn't held against the server: a timer of one millisecond fires that late. */
const SLACK_MS = 2;

interface Pair {
  sender: LoadClient;
  next: number;
  acked: number;
  delivered: number;
  /** Acks of the read in hand, answered by as many messages in one write. */
  owed: number;
  readonly sentAt: Float64Array;
}

/** One-to-one messages. One counts when its ack reached the sender and it reached the receiver; in order, each once. */
export async function relayLoad(job: RelayJob, wire: Wire): Promise<LoadResult> {
  const acks = new Samples();
  const deliveries = new Samples();
  const load = { running: true, measuring: false, sent: 0, acked: 0, delivered: 0 };

  const send = (pair: Pair, count: number, at: number): void => {
    for (let i = 0; i < count; i++) pair.sentAt[(pair.next + i) % RING] = at;
    pair.sender.send(pair.next, count);
    pair.next += count;
    load.sent += count;
  };

  const inOrder = (got: number, expected: number, what: string): void => {
    if (got !== expected) throw new Error(`${what} ${got} came where ${expected} was due.`);
  };

  const makePair = (index: number): { pair: Pair; receiver: LoadClient } => {
    const pair: Pair = {
      sender: undefined as unknown as LoadClient,
      next: 0,
      acked: 0,
      delivered: 0,
      owed: 0,
      sentAt: new Float64Array(RING),
    };
    const { port } = job;
    const user = `receiver-${index}`;
    pair.sender = wire(
      { port, user: `sender-${index}`, target: { kind: "user", user } },
      {
        ack(number) {
          inOrder(number, pair.acked++, "ack");
          load.acked++;
          pair.owed++;
          if (load.measuring) acks.add(performance.now() - (pair.sentAt[number % RING] as number));
        },
        delivery: (number) => inOrder(number, -1, "a sender's delivery"),
        read() {
          const { owed } = pair;
          pair.owed = 0;
          if (owed > 0 && load.running && job.in_flight !== null) send(pair, owed, performance.now());
        },
      },
    );
    const receiver = wire(
      { port: job.receiver_port ?? port, user, target: { kind: "nobody" } },
      {
        ack: (number) => inOrder(number, -1, "a receiver's ack"),
        delivery(number) {
          inOrder(number, pair.delivered++, "delivery");
          load.delivered++;
          if (load.measuring) deliveries.add(performance.now() - (pair.sentAt[number % RING] as number));
        },
        read() {},
      },
    );
    return { pair, receiver };
  };

  const pairs: Pair[] = [];
  const clients: LoadClient[] = [];
  await connectAll(job.pairs, (index) => {
    const { pair, receiver } = makePair(index);
    pairs.push(pair);
    clients.push(pair.sender, receiver);
    return [pair.sender.ready, receiver.ready];
  });
  const ticker = new Ticker(clients);

  const stopSending =
    job.offered === null ? closedLoop(pairs, job.in_flight ?? 1, send) : openLoop(pairs, job.offered, send);
  await pause(job.warmup_seconds * 1000);
  const before = Math.min(load.acked, load.delivered);
  const window = new Window(job.server_pid, job.pids);
  load.measuring = true;
  await pause(job.seconds * 1000);
  load.measuring = false;
  const messages = Math.min(load.acked, load.delivered) - before;
  const use = window.end();
  load.running = false;
  stopSending();
  await drained(
    () => load.acked === load.sent && load.delivered === load.sent,
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

type Send = (pair: Pair, count: number, at: number) => void;

/** From here on each ack is answered by the next message. */
function closedLoop(pairs: readonly Pair[], inFlight: number, send: Send): () => void {
  for (const pair of pairs) send(pair, inFlight, performance.now());
  return () => {};
}

/**
 * Messages at a fixed rate whatever comes back, to the pairs in turn, sent by a timer of one millisecond. A message is
 * timed from when it was due, so that a generator that was held up doesn't hide what it would have seen.
 */
function openLoop(pairs: readonly Pair[], offered: number, send: Send): () => void {
  const start = performance.now();
  let count = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const due = Math.floor(((now - start) * offered) / 1000);
    for (; count < due; count++) {
      const at = Math.min(now, start + (count * 1000) / offered + SLACK_MS);
      send(pairs[count % pairs.length] as Pair, 1, at);
    }
  }, 1);
  return () => clearInterval(timer);
}
