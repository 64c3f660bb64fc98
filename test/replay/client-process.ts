import { type ChildProcess, fork } from "node:child_process";
import type { Answer, Done, Order } from "./orders.js";

/** A process of clients, seen from the conductor. */
export class ClientProcess {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, { resolve(done: Done): void; reject(error: Error): void }>();
  private number = 0;
  private failure: Error | null = null;

  constructor(
    file: string,
    faults: boolean,
    /** Told of the first thing that must not be. */
    private readonly violated: (error: Error) => void,
  ) {
    this.child = fork(file, faults ? ["faults"] : [], { execArgv: ["--enable-source-maps"] });
    this.child.on("message", (answer: Answer) => this.take(answer));
    this.child.on("exit", (code, signal) => this.fail(new Error(`a process of clients ended with ${code ?? signal}`)));
  }

  private take(answer: Answer): void {
    const asked = this.waiting.get(answer.number);
    this.waiting.delete(answer.number);
    if ("violation" in answer) {
      const error = new Error(answer.violation);
      asked?.reject(error);
      this.fail(error);
    } else asked?.resolve(answer.done);
  }

  private fail(error: Error): void {
    if (this.failure !== null) return;
    this.failure = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
    this.violated(error);
  }

  /** Gives an order; resolves when it has been carried out. */
  async give(order: Order): Promise<Done> {
    if (this.failure !== null) throw this.failure;
    const number = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.child.send({ number, order });
    });
  }

  /** Ends the process. */
  kill(): void {
    this.failure ??= new Error("the process was ended");
    this.child.kill("SIGKILL");
  }
}
