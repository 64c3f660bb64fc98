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
    private readonly exited: Promise<number | null>,
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
    const said: string[] = [];
    child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
    const exited = once(child, "exit").then(([code]) => code as number | null);
    const lines = createInterface(child.stdout);
    const [line] = await Promise.race([
      once(lines, "line", { signal: AbortSignal.timeout(PATIENCE) }),
      exited.then((code) => {
        throw new Error(`npm start ended with ${code}: ${said.join("")}`);
      }),
    ]);
    const url = /http:\S+/.exec(line)?.[0];
    if (url === undefined) throw new Error(`no address in: ${line}`);
    return new Quickstart(child, exited, url, directory);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get chatUrl(): string {
    return `ws://127.0.0.1:${this.port}/chat`;
  }

  /** Ctrl-C. Resolves with the exit code once it has drained; null where it had to be killed. */
  async stop(): Promise<number | null> {
    this.signal("SIGINT");
    const timer = setTimeout(() => this.signal("SIGKILL"), PATIENCE);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Stops it and removes its directory. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined || this.child.exitCode !== null) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch (error) {
      // The last of them ended by itself in between.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
