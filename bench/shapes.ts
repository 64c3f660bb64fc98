import type { ServiceName } from "../scripts/services/services.js";
import { endpoints, ensureServices, releaseServices } from "../scripts/services/services.js";
import { Child } from "./child.js";
import type { LoadResult, RelayJob } from "./load/job.js";
import type { NodeOptions } from "./peers/node.js";

/** All cores carry everything: nodes, the services under them, and the load. */
const CORES = "0,1";
const START_MS = 60_000;
const AROUND_MS = 120_000;
const WARMUP_SECONDS = 10;

const SHAPES: Readonly<Record<string, readonly ServiceName[]>> = {
  "redis-cassandra": ["redis", "cassandra"],
  "kafka-cassandra": ["redis", "cassandra", "kafka"],
};

export const SHAPE_NAMES = Object.keys(SHAPES);

type RoleName = NodeOptions["roles"][number];

/** How many processes there are of each role. */
type Layout = Readonly<Record<RoleName, number>>;

const LAYOUTS: readonly Layout[] = [
  { gateway: 1, messages: 1, delivery: 1 },
  { gateway: 1, messages: 2, delivery: 1 },
  { gateway: 2, messages: 1, delivery: 1 },
];

interface Load {
  readonly pairs: number;
  readonly in_flight: number | null;
  readonly offered: number | null;
}

const LOADS: readonly Load[] = [
  { pairs: 50, in_flight: 8, offered: null },
  { pairs: 50, in_flight: null, offered: 500 },
];

/** One line of output. */
export interface ShapeRow extends Load {
  readonly bench: "shapes";
  readonly subject: string;
  /** Processes of each role. */
  readonly layout: Layout;
  /** Messages a second, acknowledged and delivered. */
  readonly rate: number;
  /** From sending to the ack, and to the delivery. */
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly deliver_p50_ms: number | null;
  readonly deliver_p99_ms: number | null;
  /** Microseconds of CPU a message: all processes of a role, and everything else on the machine but the generator. */
  readonly cpu_us: Readonly<Record<RoleName | "services", number>>;
  readonly generator_share: number;
}

export interface ShapesOptions {
  readonly shapes: readonly string[];
  readonly seconds: number;
  readonly progress: (text: string) => void;
}

/** Measures each shape, with one process a role and with one more of some, under each load. */
export async function measureShapes({ shapes, seconds, progress }: ShapesOptions): Promise<ShapeRow[]> {
  const rows: ShapeRow[] = [];
  for (const shape of shapes) {
    await ensureServices(SHAPES[shape] ?? []);
    for (const layout of LAYOUTS) {
      for (const load of LOADS) {
        const { gateway, messages, delivery } = layout;
        const label = load.offered === null ? `${load.in_flight} in flight` : `${load.offered}/s`;
        progress(`${shape}, ${gateway} gateway, ${messages} messages, ${delivery} delivery, ${label}`);
        rows.push(await measure(shape, layout, load, seconds));
      }
    }
  }
  await releaseServices();
  return rows;
}

async function measure(shape: string, layout: Layout, load: Load, seconds: number): Promise<ShapeRow> {
  const nodes: { readonly role: RoleName; readonly child: Child; readonly port: number }[] = [];
  const name = `bench_${Date.now().toString(36)}`;
  try {
    for (const role of ["messages", "delivery", "gateway"] as const) {
      for (let i = 0; i < layout[role]; i++) {
        const child = new Child("node", CORES, optionsOf(shape, name, role));
        nodes.push({ role, child, port: (await child.says<{ port: number }>(START_MS)).port });
      }
    }
    const [first, second = first] = nodes.filter(({ role }) => role === "gateway");
    if (first === undefined || second === undefined) throw new Error("A layout needs a gateway.");
    const others = nodes.filter((node) => node !== first);
    const result = await generate({
      kind: "relay",
      wire: "sentseen",
      port: first.port,
      receiver_port: second.port,
      server_pid: first.child.pid,
      pids: others.map(({ child }) => child.pid),
      warmup_seconds: WARMUP_SECONDS,
      seconds,
      ...load,
    });
    const { messages, use } = result;
    const perMessage = (cpu: number): number => Number(((cpu / messages) * 1e6).toFixed(1));
    const ofRole = (role: RoleName): number =>
      perMessage(
        others.reduce((sum, node, i) => sum + (node.role === role ? (use.named_cpu[i] as number) : 0), 0) +
          (role === "gateway" ? use.server_cpu : 0),
      );
    return {
      bench: "shapes",
      subject: shape,
      layout,
      ...load,
      rate: Math.round(messages / use.seconds),
      p50_ms: result.ack_p50_ms,
      p99_ms: result.ack_p99_ms,
      deliver_p50_ms: result.deliver_p50_ms,
      deliver_p99_ms: result.deliver_p99_ms,
      cpu_us: {
        gateway: ofRole("gateway"),
        messages: ofRole("messages"),
        delivery: ofRole("delivery"),
        services: perMessage(use.rest_cpu),
      },
      generator_share: Number(use.generator_share.toFixed(2)),
    };
  } finally {
    await Promise.all(nodes.map(({ child }) => child.stop()));
  }
}

function optionsOf(shape: string, name: string, role: RoleName): NodeOptions {
  const { redis, kafka } = endpoints;
  const { contactPoints, port, localDataCenter } = endpoints.cassandra;
  return {
    name,
    roles: [role],
    redis: { host: redis.host, port: redis.port },
    cassandra: { contactPoints: contactPoints.map((host) => `${host}:${port}`), dataCenter: localDataCenter },
    ...(shape === "kafka-cassandra" && { kafka: { bootstrapBrokers: [`${kafka.host}:${kafka.port}`] } }),
  };
}

async function generate(job: RelayJob): Promise<LoadResult> {
  const child = new Child("load", CORES, job);
  try {
    return await child.says<LoadResult>((job.warmup_seconds + job.seconds) * 1000 + AROUND_MS);
  } finally {
    await child.stop();
  }
}
