import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Where `built.ts` puts what the child processes run. */
export const BUILT = fileURLToPath(new URL("./dist/", import.meta.url));

/** A Node process of the bench, pinned to one core or some, with a channel for messages. */
export class Child {
  private readonly process: ChildProcess;
  private ended = false;

  /** `script` is the name of a built file without its ending; `argument` reaches it as JSON. */
  constructor(
    private readonly script: string,
    cores: number | string,
    argument: unknown,
    nodeOptions: readonly string[] = [],
  ) {
    const command = ["-c", String(cores), process.execPath, ...nodeOptions, `${BUILT}${script}.js`];
    // taskset turns into the process that it starts, so pid and channel are Node's.
    this.process = spawn("taskset", [...command, JSON.stringify(argument)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.process.once("exit", () => {
      this.ended = true;
    });
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`${this.script} didn't start.`);
    return this.process.pid;
  }

  /** The next thing that the process says. Rejects when it ends first, or says nothing for so long. */
  async says<T>(within_ms: number): Promise<T> {
    if (this.ended) throw new Error(`${this.script} has ended.`);
    const done = new AbortController();
    const timer = setTimeout(
      () => done.abort(new Error(`${this.script} said nothing for ${within_ms} ms.`)),
      within_ms,
    );
    const { signal } = done;
    try {
      const [message] = await Promise.race([
        once(this.process, "message", { signal }),
        once(this.process, "exit", { signal }).then(() => {
          throw new Error(`${this.script} ended before it answered.`);
        }),
      ]);
      return message as T;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      done.abort();
    }
  }

  tell(message: string): void {
    // A process that is just ending can't be told any more: its end is noticed elsewhere.
    this.process.send(message, () => {});
  }

  /** Asks the process to end, and kills it when it takes long. May be called again. */
  async stop(): Promise<void> {
    if (this.ended) return;
    const kill = setTimeout(() => this.kill(), 10_000);
    if (this.process.connected) this.tell("stop");
    await once(this.process, "exit");
    clearTimeout(kill);
  }

  kill(): void {
    this.process.kill("SIGKILL");
  }
}
