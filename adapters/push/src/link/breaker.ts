import type { PushResult } from "sentseen/ports";
import type { Trouble } from "./reply.js";

/** A result, and what it says of the service. */
export interface Verdict {
  readonly result: PushResult;
  /** `down`: the service is away or refuses us altogether. `unknown`: it wasn't asked. */
  readonly service: "up" | "down" | "unknown";
}

/** Failures without a success in between after which the service is left alone. */
const THRESHOLD = 5;
const FIRST_PAUSE_MS = 1_000;
const MOST_PAUSE_MS = 60_000;
/** What those are told to wait who come while one push tries whether the service is back. */
const PROBE_MS = 1_000;

/**
 * A circuit breaker. After five failures in a row, or when the service asks for a pause, pushes are answered `retry`
 * (`circuit_open`) without asking it, for a second first and twice as long each time, a minute at most. Then one push
 * tries. Pauses are a tenth longer or shorter, so that the nodes of a cluster don't come back as one.
 */
export class Breaker {
  private failures = 0;
  private pause = 0;
  private openUntil = 0;
  private probing = false;

  async run(send: () => Promise<Verdict>): Promise<PushResult> {
    const wait = this.wait();
    if (wait > 0) return { outcome: "retry", reason: "circuit_open", retry_after: wait };
    const probe = this.pause > 0;
    if (probe) this.probing = true;
    const { result, service } = await send();
    if (probe) this.probing = false;
    if (service === "up") this.close();
    else if (service === "down") this.failed(probe, result.outcome === "retry" ? (result.retry_after ?? 0) : 0);
    return result;
  }

  /** Milliseconds to wait; 0 where the service may be asked. */
  private wait(): number {
    if (this.pause === 0) return 0;
    const left = this.openUntil - performance.now();
    if (left > 0) return Math.ceil(left);
    return this.probing ? PROBE_MS : 0;
  }

  private close(): void {
    this.failures = 0;
    this.pause = 0;
  }

  private failed(probe: boolean, asked: number): void {
    this.failures++;
    const now = performance.now();
    // What was on its way when the circuit opened says nothing new, unless it asks for more.
    const open = this.pause > 0 && !probe;
    if (!open && (probe || asked > 0 || this.failures >= THRESHOLD)) {
      this.pause = Math.min(Math.max(FIRST_PAUSE_MS, this.pause * 2), MOST_PAUSE_MS);
      this.openUntil = now + this.pause * (0.9 + Math.random() * 0.2);
    }
    if (asked > 0) this.openUntil = Math.max(this.openUntil, now + asked);
  }
}

/** The verdict where there is no answer. */
export function troubled({ trouble }: Trouble): Verdict {
  const local = trouble === "overloaded" || trouble === "closed";
  return { result: { outcome: "retry", reason: trouble }, service: local ? "unknown" : "down" };
}

/** A retry, with the service's wish where it has one. */
export function retry(reason: string, retryAfter: number | null, service: Verdict["service"]): Verdict {
  return {
    result: retryAfter === null ? { outcome: "retry", reason } : { outcome: "retry", reason, retry_after: retryAfter },
    service,
  };
}

export function refused(reason: string): Verdict {
  return { result: { outcome: "refused", reason }, service: "up" };
}

export function dead(reason: string, since?: number): Verdict {
  return {
    result: since === undefined ? { outcome: "dead", reason } : { outcome: "dead", reason, since },
    service: "up",
  };
}

export const SENT: Verdict = { result: { outcome: "sent" }, service: "up" };
