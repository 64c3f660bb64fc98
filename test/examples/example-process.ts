import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/services/place.js";
import { within } from "../chaos/deadline.js";

const READY_MS = 60_000;

/** A process of an example, started as its README says. */
export class ExampleProcess {
  readonly #child: ChildProcess;
  readonly port: number;
  /** What it reported as errors, as it wrote it. */
  readonly errors: readonly string[];

  private constructor(child: ChildProcess, port: number, errors: readonly string[]) {
    this.#child = child;
    this.port = port;
    this.errors = errors;
  }

  /** Resolves when the example says that it is ready. */
  static async start(example: string, env: Readonly<Record<string, string>>): Promise<ExampleProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, ["--conditions=sentseen-source", "--import", "tsx", "server.ts"], {
      cwd: join(ROOT, "examples", example),
      env: { ...process.env, ...env, PORT: String(port) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const errors: string[] = [];
    child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
    const ready = once(createInterface(child.stdout), "line");
    const ended = once(child, "exit").then(([code, signal]) => {
      throw new Error(`${example} ended with ${code ?? signal}:\n${errors.join("")}`);
    });
    ended.catch(() => {});
    try {
      await within(`${example} to be ready`, Promise.race([ready, ended]), READY_MS);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
    return new ExampleProcess(child, port, errors);
  }

  /** Sees to it that it is gone. Idempotent. */
  async gone(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.end("SIGKILL");
  }

  /** Resolves with the exit code; null where the signal ended it. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    const [code] = await within(`the end by ${signal}`, exited);
    return code;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
