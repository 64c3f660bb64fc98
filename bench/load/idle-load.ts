import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { connectAll } from "./clients.js";
import type { IdleJob, LoadResult } from "./job.js";
import { Window } from "./window.js";
import type { LoadClient, Wire } from "./wire.js";

/** Connects, tells the parent "held", and holds the connections, pings answered, until the parent says anything. */
export async function idleLoad(job: IdleJob, wire: Wire): Promise<LoadResult> {
  const silent = {
    ack: () => {},
    delivery: () => {},
    read: () => {},
  };
  const clients: LoadClient[] = [];
  await connectAll(job.connections, (index) => {
    const client = wire({ port: job.port, user: `idle-${index}`, target: { kind: "nobody" } }, silent);
    clients.push(client);
    return [client.ready];
  });
  for (const client of clients) client.tick();
  const window = new Window(job.server_pid);
  await pause(job.seconds * 1000);
  const use = window.end();
  process.send?.("held");
  await once(process, "message");
  for (const client of clients) client.close();
  return {
    messages: job.connections,
    ack_p50_ms: null,
    ack_p99_ms: null,
    deliver_p50_ms: null,
    deliver_p99_ms: null,
    use,
  };
}
