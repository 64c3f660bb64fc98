import type { Bench, Mode } from "./benches.js";
import { measure, type Sample, type Timing } from "./measure.js";
import type { Subject } from "./subjects.js";

/** One line of output: a subject under a mode, medians over the rounds. Numbers that don't apply are null. */
export interface Row {
  readonly bench: string;
  readonly subject: string;
  /** Pairs of sender and receiver; for broadcast, groups. */
  readonly pairs: number | null;
  /** Messages unacknowledged per sender; null in an open loop. */
  readonly in_flight: number | null;
  /** Messages a second, acknowledged and delivered; for broadcast, deliveries. */
  readonly rate: number | null;
  /** From sending to the ack. */
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  /** Microseconds of server CPU a message: user and system, all threads. */
  readonly cpu_us: number | null;
  readonly ratio_to: string;
  /** Of the rates; for idle, of the bytes a connection. */
  readonly ratio: number | null;
  /** The same against every subject of the bench. */
  readonly ratios: Readonly<Record<string, number | null>>;
  /** The open loop's messages a second. */
  readonly offered: number | null;
  readonly deliver_p50_ms: number | null;
  readonly deliver_p99_ms: number | null;
  readonly rate_min: number | null;
  readonly rate_max: number | null;
  readonly connections: number | null;
  readonly bytes_per_connection: number | null;
  /** Share of its core that the generator used. */
  readonly generator_share: number;
  /** The generator was near its limit in some round: the server may be faster than the row says. */
  readonly generator_saturated: boolean;
  /** Measurements that were thrown away because the machine was disturbed. */
  readonly rejected: number;
  /** Rounds that were disturbed every time and kept all the same. */
  readonly noisy: number;
}

/** Measures all subjects in turn, round after round, and answers a row for each under each mode. */
export async function rowsOf(
  bench: Bench,
  rounds: number,
  timing: Timing,
  progress: (text: string) => void,
): Promise<Row[]> {
  const samples = new Map<Mode, Map<Subject, Sample[]>>(
    bench.modes.map((mode) => [mode, new Map(bench.subjects.map((subject) => [subject, []]))]),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const mode of bench.modes) {
      for (const subject of bench.subjects) {
        progress(`round ${round} of ${rounds}: ${mode.label}, ${subject.name}`);
        samples
          .get(mode)
          ?.get(subject)
          ?.push(await measure(subject, mode, timing));
      }
    }
  }
  return [...samples].flatMap(([mode, bySubject]) => rowsOfMode(bench, mode, bySubject));
}

function rowsOfMode(bench: Bench, mode: Mode, bySubject: ReadonlyMap<Subject, readonly Sample[]>): Row[] {
  const figure = (samples: readonly Sample[]) =>
    median(samples.map((sample) => sample.bytes_per_connection ?? sample.rate));
  const figures = new Map([...bySubject].map(([subject, samples]) => [subject.name, figure(samples)]));
  const reference = bench.subjects[0]?.name ?? "";
  return [...bySubject].map(([subject, samples]) => {
    const own = figures.get(subject.name) ?? null;
    const ratios = Object.fromEntries([...figures].map(([name, other]) => [name, ratio(own, other)]));
    const of = (digits: number, pick: (sample: Sample) => number | null) => rounded(median(samples.map(pick)), digits);
    const rates = samples.flatMap(({ rate }) => (rate === null ? [] : [rate]));
    return {
      bench: bench.name,
      subject: subject.name,
      pairs: mode.pairs,
      in_flight: mode.in_flight,
      rate: of(0, ({ rate }) => rate),
      p50_ms: of(3, ({ load }) => load.ack_p50_ms),
      p99_ms: of(3, ({ load }) => load.ack_p99_ms),
      cpu_us: of(2, ({ cpu_us }) => cpu_us),
      ratio_to: reference,
      ratio: ratios[reference] ?? null,
      ratios,
      offered: mode.offered,
      deliver_p50_ms: of(3, ({ load }) => load.deliver_p50_ms),
      deliver_p99_ms: of(3, ({ load }) => load.deliver_p99_ms),
      rate_min: rates.length === 0 ? null : Math.round(Math.min(...rates)),
      rate_max: rates.length === 0 ? null : Math.round(Math.max(...rates)),
      connections: mode.job.kind === "idle" ? mode.job.connections : null,
      bytes_per_connection: of(0, ({ bytes_per_connection }) => bytes_per_connection),
      generator_share: of(2, ({ load }) => load.use.generator_share) ?? 0,
      generator_saturated: samples.some((sample) => sample.generator_saturated),
      rejected: samples.reduce((sum, sample) => sum + sample.rejected, 0),
      noisy: samples.filter((sample) => sample.noisy).length,
    };
  });
}

function ratio(one: number | null, other: number | null): number | null {
  return one === null || other === null || other === 0 ? null : rounded(one / other, 3);
}

function rounded(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}

/** The middle value; of an even number the mean of the two in the middle. Null where any is missing. */
function median(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).sort((one, other) => one - other);
  if (sorted.length === 0 || sorted.length < values.length) return null;
  const upper = sorted[Math.floor(sorted.length / 2)] as number;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] as number;
  return (lower + upper) / 2;
}
