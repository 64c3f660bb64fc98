import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.js";
import { identityOf, livingPid } from "./identity.js";

export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
}

const FATAL: readonly NodeJS.Signals[] = ["SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGABRT"];

/** A server that runs without us: its directory holds its id, its log and whatever it keeps. */
export class NativeProcess {
  readonly directory: string;
  readonly log: string;
  readonly #pidFile: string;

  constructor(directory: string) {
    this.directory = directory;
    this.log = join(directory, "log");
    this.#pidFile = join(directory, "pid");
  }

  /** The id of the running process, or null. A pid file that a crash left behind counts for nothing. */
  pid(): number | null {
    return existsSync(this.#pidFile) ? livingPid(readFileSync(this.#pidFile, "utf8")) : null;
  }

  async start({ program, args }: CommandLine): Promise<void> {
    mkdirSync(this.directory, { recursive: true });
    const log = openSync(this.log, "a");
    try {
      const child = spawn(program, args, { cwd: this.directory, detached: true, stdio: ["ignore", log, log] });
      await once(child, "spawn");
      child.unref();
      writeFileSync(this.#pidFile, identityOf(child.pid as number));
    } finally {
      closeSync(log);
    }
  }

  /** Sends a signal; one that ends or stops processes is waited for until it has. Does nothing where there is no process. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const pid = this.pid();
    if (pid === null) return;
    send(pid, signal);
    if (signal === "SIGSTOP") await eventually(`process ${pid} to stop`, () => stands(pid), 30_000);
    if (!FATAL.includes(signal)) return;
    await eventually(`process ${pid} to end after ${signal}`, () => this.pid() === null, 30_000);
    rmSync(this.#pidFile, { force: true });
  }

  /** Ends the process, if need be by force. */
  async stop(): Promise<void> {
    // What is paused doesn't hear that it should end.
    await this.signal("SIGCONT");
    await this.signal("SIGTERM").catch(() => this.signal("SIGKILL"));
  }
}

/** Whether no thread of a process runs: each stops only where it next leaves the kernel, which takes a while under load. */
function stands(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return true;
  try {
    return readdirSync(threads).every((thread) => /\) [Tt] /.test(readFileSync(`${threads}/${thread}/stat`, "utf8")));
  } catch {
    // One of them ended just now.
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
