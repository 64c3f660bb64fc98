import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Milliseconds that the server may take to be ready, or to drain. */
const PATIENCE = 30_000;

/** What `npm start` starts, on a directory of its own: a person's view of it is an address and Ctrl-C. */
export class Quickstart {
  private constructor(
    private readonly child: ChildProcess,
    private readonly output: string[],
    private readonly closed: Promise<unknown>,
    readonly url: string,
    readonly directory: string,
  ) {}

  /** Starts it and waits for the address. Takes up an earlier one's directory and port where they are given. */
  static async start(directory = mkdtempSync(join(tmpdir(), "sentseen-quickstart-")), port = 0): Promise<Quickstart> {
    const child = spawn("npm", ["start", "--silent"], {
      cwd: ROOT,
      env: { ...process.env, PORT: String(port), DATA_DIR: directory },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, to be interrupted as a terminal does it: npm and the server at once.
      detached: true,
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => output.push(text));
    }
    // Its streams close when npm and the server have both ended, whichever comes first.
    const closed = once(child, "close");
    const ready = once(createInterface(child.stdout), "line", { signal: AbortSignal.timeout(PATIENCE) });
    await Promise.race([ready, closed]);
    const url = /http:\S+/.exec(output.join(""))?.[0];
    if (url === undefined) throw new Error(`npm start doesn't say where it is: ${output.join("")}`);
    return new Quickstart(child, output, closed, url, directory);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get chatUrl(): string {
    return `ws://127.0.0.1:${this.port}/chat`;
  }

  /** Ctrl-C. Resolves with all that it wrote, once it has drained and ended, or been killed for not doing so. */
  async stop(): Promise<string> {
    this.signal("SIGINT");
    const timer = setTimeout(() => this.signal("SIGKILL"), PATIENCE);
    await this.closed;
    clearTimeout(timer);
    return this.output.join("");
  }

  /** Stops it and removes its directory. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch (error) {
      // The last of them ended by itself in between.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
