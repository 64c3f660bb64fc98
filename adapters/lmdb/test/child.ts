import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "sentseen/testing";

/** A process that runs one of the scripts in `children/`, and the lines that it prints. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly lines: readonly string[];
  /** Waits for a line that begins so. */
  line(beginning: string): Promise<string>;
  /** Ends it as nothing can be caught: no close, no exit handler. */
  kill(): Promise<void>;
  /** Lets it close what it has open and end. */
  end(): Promise<void>;
}

const PATIENCE_MS = 25_000;

/** Starts a script. `limits` are options of the shell's `ulimit`. */
export function start(script: string, args: readonly string[], limits?: string): Child {
  const path = fileURLToPath(new URL(`./children/${script}`, import.meta.url));
  const node = [process.execPath, "--conditions=sentseen-source", "--import", "tsx", path, ...args];
  const [command = "", ...rest] =
    limits === undefined ? node : ["bash", "-c", `ulimit ${limits}; exec "$@"`, "-", ...node];
  const child = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const exited = once(child, "exit");
  return {
    process: child,
    pid: child.pid as number,
    lines,
    line: async (beginning) => {
      const found = () => lines.find((line) => line.startsWith(beginning));
      const ended = () => child.exitCode !== null || child.signalCode !== null;
      await until(`a line "${beginning}"`, () => found() !== undefined || ended(), PATIENCE_MS);
      const line = found();
      if (line === undefined) throw new Error(`The process ended without "${beginning}" after: ${lines.join(" | ")}`);
      return line;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
