import { type ChildProcess, fork } from "node:child_process";
import { onTestFinished } from "vitest";
import { bundle } from "../../chaos/bundle.js";

export interface CrowdOrder {
  /** Where to connect from now on. */
  readonly ports: readonly number[];
  /** So many more clients. */
  readonly more?: number;
}

export interface CrowdReport {
  /** For each client how often it has come in. */
  readonly arrivals: readonly number[];
  /** What was refused or took too long. */
  readonly troubles: readonly string[];
}

/** Thousands of light clients in a process of their own, which ends with the test. */
export class Crowd {
  report: CrowdReport = { arrivals: [], troubles: [] };

  private constructor(private readonly child: ChildProcess) {
    child.on("message", (report: CrowdReport) => {
      this.report = report;
    });
  }

  static async gather(): Promise<Crowd> {
    const file = await bundle(new URL("./crowd-process.ts", import.meta.url));
    const child = fork(file, [], { execArgv: ["--enable-source-maps"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    return new Crowd(child);
  }

  order(order: CrowdOrder): void {
    this.child.send(order);
  }

  /** How many clients have come in at least so often. */
  arrived(times: number): number {
    return this.report.arrivals.filter((arrivals) => arrivals >= times).length;
  }
}
