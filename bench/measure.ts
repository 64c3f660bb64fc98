import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mode } from "./benches.js";
import { Child } from "./child.js";
import type { Job, LoadResult } from "./load/job.js";
import { quietMachine } from "./machine.js";
import type { Subject } from "./subjects.js";

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const START_MS = 20_000;
/** Connecting, draining and ending of a row take no longer than this beside its seconds. */
const AROUND_MS = 90_000;
/** Of one core, while a row is measured: more than this used by others, or taken by the host, rejects the row. */
const NOISE_SHARE = 0.08;
/** From here on the generator, not the server, may be what is measured. */
const SATURATED_SHARE = 0.95;
/** Connections that come and go before the baseline of memory is taken, so that code and pools are there already. */
const REHEARSAL = 500;

export interface Timing {
  readonly seconds: number;
  readonly warmup_seconds: number;
  /** How long a row waits for a quiet machine, and how often it is taken again when it was disturbed. */
  readonly patience_ms: number;
  readonly attempts: number;
}

/** One subject measured once. */
export interface Sample {
  /** Messages a second; where memory is measured, none. */
  readonly rate: number | null;
  readonly load: LoadResult;
  readonly cpu_us: number | null;
  readonly bytes_per_connection: number | null;
  readonly generator_saturated: boolean;
  /** Attempts that were thrown away. */
  readonly rejected: number;
  /** The last attempt was disturbed as well, and was kept for want of a better one. */
  readonly noisy: boolean;
}

type Raw = Pick<Sample, "load" | "bytes_per_connection">;

/** Measures a subject under a mode, again where the machine was disturbed. */
export async function measure(subject: Subject, mode: Mode, timing: Timing): Promise<Sample> {
  for (let rejected = 0; ; rejected++) {
    const quiet = await quietMachine(timing.patience_ms);
    const { load, bytes_per_connection } = await attempt(subject, mode, timing);
    const { use } = load;
    const noisy = !quiet || use.others_share > NOISE_SHARE || use.steal_share > NOISE_SHARE;
    // Memory is the same on a busy machine.
    if (noisy && mode.job.kind !== "idle" && rejected + 1 < timing.attempts) continue;
    const counted = mode.job.kind !== "idle";
    return {
      rate: counted ? load.messages / use.seconds : null,
      load,
      cpu_us: counted ? (use.server_cpu / load.messages) * 1e6 : null,
      bytes_per_connection,
      generator_saturated: counted && use.generator_share >= SATURATED_SHARE,
      rejected,
      noisy: noisy && counted,
    };
  }
}

async function attempt(subject: Subject, mode: Mode, timing: Timing): Promise<Raw> {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "sentseen-bench-"));
  const nodeOptions = mode.job.kind === "idle" ? ["--expose-gc"] : [];
  const server = new Child(subject.peer, SERVER_CORE, subject.options?.(directory) ?? {}, nodeOptions);
  try {
    const { port } = await server.says<{ port: number }>(START_MS);
    const run = (open: Mode["job"], seconds: number) => {
      const { warmup_seconds } = timing;
      const job: Job = { ...open, wire: subject.wire, port, server_pid: server.pid, warmup_seconds, seconds };
      return new Generator(job);
    };
    return mode.job.kind === "idle"
      ? await idle(server, mode.job.connections, run, timing)
      : await loaded(run(mode.job, timing.seconds));
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function loaded(generator: Generator): Promise<Raw> {
  return { load: await generator.result(), bytes_per_connection: null };
}

async function idle(
  server: Child,
  connections: number,
  run: (job: Mode["job"], seconds: number) => Generator,
  timing: Timing,
): Promise<Raw> {
  const memory = async () => {
    server.tell("memory");
    return (await server.says<{ rss: number }>(START_MS)).rss;
  };
  const rehearsal = run({ kind: "idle", connections: REHEARSAL }, 1);
  await rehearsal.held();
  await rehearsal.result();
  const before = await memory();
  const generator = run({ kind: "idle", connections }, timing.seconds);
  await generator.held();
  const after = await memory();
  return { load: await generator.result(), bytes_per_connection: (after - before) / connections };
}

/** The load generator's process for one job. */
class Generator {
  private readonly child: Child;
  private readonly within_ms: number;

  constructor(job: Job) {
    this.child = new Child("load", LOAD_CORE, job);
    this.within_ms = (job.warmup_seconds + job.seconds) * 1000 + AROUND_MS;
  }

  /** Waits until the job's connections are made and rest. */
  async held(): Promise<void> {
    await this.says();
  }

  /** Lets go of held connections; answers what was measured once the process has ended. */
  async result(): Promise<LoadResult> {
    this.child.tell("release");
    const result = await this.says<LoadResult>();
    await this.child.stop();
    return result;
  }

  private async says<T>(): Promise<T> {
    try {
      return await this.child.says<T>(this.within_ms);
    } catch (error) {
      this.child.kill();
      throw error;
    }
  }
}
