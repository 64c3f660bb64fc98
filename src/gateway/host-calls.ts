import { ChatError } from "../errors.js";
import type { Answer } from "../model/command.js";

type Accepted = Extract<Answer, { ok: true }>;

interface Call {
  readonly resolve: (answer: Accepted) => void;
  readonly reject: (error: ChatError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Commands that the host's own code gave, waiting for their answers. */
export class HostCalls {
  private readonly calls = new Map<number, Call>();
  private nextRef = 1;

  get size(): number {
    return this.calls.size;
  }

  /** A number for a new call, and the promise of its answer: rejects with `timeout` after so many milliseconds. */
  open(deadlineMs: number): { readonly ref: number; readonly answer: Promise<Accepted> } {
    const ref = this.nextRef++;
    const answer = new Promise<Accepted>((resolve, reject) => {
      const timer = setTimeout(() => this.end(ref)?.reject(new ChatError("timeout")), deadlineMs);
      this.calls.set(ref, { resolve, reject, timer });
    });
    return { ref, answer };
  }

  /** Whether a call hasn't been answered yet, nor given up. */
  waits(ref: number): boolean {
    return this.calls.has(ref);
  }

  answer(ref: number, answer: Answer): void {
    const call = this.end(ref);
    if (answer.ok) call?.resolve(answer);
    else call?.reject(new ChatError(answer.code, undefined, { field: answer.field, limit: answer.limit }));
  }

  fail(ref: number, error: ChatError): void {
    this.end(ref)?.reject(error);
  }

  close(): void {
    for (const ref of [...this.calls.keys()]) this.end(ref)?.reject(new ChatError("closed"));
  }

  private end(ref: number): Call | undefined {
    const call = this.calls.get(ref);
    if (call !== undefined) clearTimeout(call.timer);
    this.calls.delete(ref);
    return call;
  }
}
