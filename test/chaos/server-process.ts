import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Endpoints } from "../../scripts/services/services.js";
import type { Role } from "../../src/config.js";
import { within } from "./deadline.js";
import type { PlantedBug } from "./planted.js";
import type { ShapeName } from "./shape.js";

/** How the server under test is set up. */
export interface ServerSetup {
  /** Default LMDB. */
  readonly shape?: ShapeName;
  /** Where the data is; on shared servers what its name is made of. */
  readonly directory: string;
  /** Where the shared servers are. */
  readonly endpoints?: Endpoints;
  /** Milliseconds that rows may wait. */
  readonly flush?: number;
  /** Seconds of silence after which a connection is gone. */
  readonly idle?: number;
  /** Milliseconds over which clients are told to come back when it drains. */
  readonly spread?: number;
  /** What the server does. Default all. */
  readonly roles?: readonly Role[];
  /** Milliseconds by which the process's clock is ahead. */
  readonly ahead?: number;
  readonly planted?: PlantedBug;
  /** The process kills itself at the n-th time that this step of the pipeline is done: "flush.landed:2". */
  readonly crashAt?: string;
  /** Writes each part of a flush by itself, as a store without transactions would. */
  readonly stepwise?: boolean;
}

/** A server in a process of its own, which can be killed. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    /** Where it takes connections; 0 where that is none of its roles. */
    readonly port: number,
    private readonly lines: Interface,
    private readonly output: { readonly stderr: string[] },
    private readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>,
  ) {}

  /** Starts `file`, which `bundle` made of the server's entry. Rejects with what it wrote where it doesn't listen. */
  static async start(file: string, setup: ServerSetup): Promise<ServerProcess> {
    const child = spawn(process.execPath, ["--enable-source-maps", file], {
      env: { ...process.env, SENTSEEN_CHAOS: JSON.stringify(setup) },
      // The server ends when its standard input does: none is left behind by a runner that dies.
      stdio: ["pipe", "pipe", "pipe"],
    });
    const output = { stderr: [] as string[] };
    child.stderr.setEncoding("utf8").on("data", (text: string) => output.stderr.push(text));
    const ended = once(child, "exit").then(([code, signal]) => ({ code, signal }));
    const lines = createInterface(child.stdout);
    const listening = once(lines, "line").then(([line]) => Number(line));
    const died = ended.then(() => Promise.reject(new Error("the server died before it listened")));
    try {
      const port = await within("the server to listen", Promise.race([listening, died]));
      return new ServerProcess(child, port, lines, output, ended);
    } catch (cause) {
      child.kill("SIGKILL");
      throw new Error(`the server doesn't start: ${output.stderr.join("")}`, { cause });
    }
  }

  /** What the server wrote to its standard error: nothing, where all is well. */
  get errors(): string {
    return this.output.stderr.join("");
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** What it says of itself: counts, and its connections. Rejects where it says nothing. */
  async state(): Promise<string> {
    const said = once(this.lines, "line");
    this.child.stdin?.write("state\n");
    const [line] = await within("the server's state", said);
    return line;
  }

  /** Resolves when the process has ended, however. */
  async exit(): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    return this.ended;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** SIGSTOP or SIGCONT. */
  freeze(frozen: boolean): void {
    this.child.kill(frozen ? "SIGSTOP" : "SIGCONT");
  }

  /** SIGKILL: nothing in the process gets a chance. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  /** Asks the server to close, and waits until it has. Rejects where it doesn't end by itself. */
  async drain(): Promise<void> {
    this.child.kill("SIGTERM");
    try {
      const { code, signal } = await within("the server to drain", this.ended);
      if (code !== 0) throw new Error(`it ended with ${code ?? signal}`);
    } catch (cause) {
      this.child.kill("SIGKILL");
      throw new Error(`the server doesn't drain: ${this.errors}`, { cause });
    }
  }
}
