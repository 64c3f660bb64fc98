import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "../../src/testing/until.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A program of the tests' own Python. Throws, saying what to do, where it isn't there. */
export function venv(program: string): string {
  const path = `${ROOT}.venv/bin/${program}`;
  if (!existsSync(path)) throw new Error(`${path} is missing: run "bash scripts/test-tools.sh"`);
  return path;
}

export interface PythonEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** The client in Python, as a process. */
export class PythonClient {
  /** What it has told, in order. */
  readonly events: PythonEvent[] = [];
  private errors = "";
  private readonly process: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(url: string, token: string, state: string) {
    this.process = spawn(venv("python"), [`${ROOT}test/compat/chat_client.py`, url, token, state], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new Error("no pipes");
    createInterface({ input: stdout }).on("line", (line) => this.events.push(JSON.parse(line)));
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.ended = new Promise((resolve) => this.process.once("close", () => resolve()));
  }

  tell(order: Record<string, unknown>): void {
    this.process.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** The first event that fits, from the `from`-th on; waits for it. */
  async event(what: string, fits: (event: PythonEvent) => boolean, from = 0): Promise<PythonEvent> {
    const find = () => this.events.slice(from).find(fits);
    await until(`Python tells of ${what}`, () => find() !== undefined || this.process.exitCode !== null, 20_000).catch(
      (cause: unknown) => {
        throw new Error(`${(cause as Error).message}\n${JSON.stringify(this.events)}\n${this.errors}`);
      },
    );
    const found = find();
    if (found === undefined) throw new Error(`Python ended before it told of ${what}:\n${this.errors}`);
    return found;
  }

  online(from = 0): Promise<PythonEvent> {
    return this.event("being online", ({ event }) => event === "online", from);
  }

  /** Every entry that it showed to its user, in the order shown. */
  get shown(): PythonEvent[] {
    return this.events.filter(({ event }) => event === "entry");
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.ended;
  }
}
