import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A consumer in a process of its own. */
export interface Child {
  /** The lines that it printed so far. */
  readonly lines: readonly string[];
  /** The last "owns" that it printed, without the word. */
  owns(): string;
  pause(): void;
  resume(): void;
  /** Ends it as nothing can be caught. */
  kill(): Promise<void>;
}

export function startConsumer(prefix: string, sessionTimeoutMs: number): Child {
  const path = fileURLToPath(new URL("./children/consumer.ts", import.meta.url));
  const args = ["--conditions=sentseen-source", "--import", "tsx", path, prefix, String(sessionTimeoutMs)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const exited = once(child, "exit");
  return {
    lines,
    owns: () => lines.findLast((line) => line.startsWith("owns"))?.slice("owns ".length) ?? "",
    pause: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
