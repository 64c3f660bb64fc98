import { pause } from "./deadline.js";
import type { History } from "./history.js";
import { ServerProcess, type ServerSetup } from "./server-process.js";

/** How long a server may fail to start as its storage or queue is away, and the pause before the next try. */
const STARTING_MS = 30_000;
const STARTING_PAUSE_MS = 200;

/** One server of a run through all its lives. One thing is done to it at a time. */
export class ServerControl {
  private work: Promise<void> = Promise.resolve();
  /** The process that is meant to be running; null while none is. */
  private current: ServerProcess | null = null;

  constructor(
    private readonly file: string,
    private readonly setup: ServerSetup,
    private readonly history: Pick<History, "add">,
    /**
     * Told of the port of each life that takes connections, and null before it ends: the next to get the port may be
     * somebody else's server.
     */
    private readonly onPort: (port: number | null) => void,
  ) {}

  /** Begins the next life; again and again where what the server needs is away, as whoever runs it would. */
  async start(): Promise<void> {
    const server = await this.begin();
    this.current = server;
    void server.exit().then(({ code, signal }) => {
      if (server.errors !== "") this.history.add({ type: "failure", text: `the server wrote: ${server.errors}` });
      if (this.current === server) {
        this.history.add({ type: "failure", text: `the server ended by itself with ${code ?? signal}` });
      }
    });
    if (server.port !== 0) this.onPort(server.port);
  }

  private async begin(): Promise<ServerProcess> {
    for (const until = performance.now() + STARTING_MS; ; await pause(STARTING_PAUSE_MS)) {
      try {
        return await ServerProcess.start(this.file, this.setup);
      } catch (error) {
        if (!String(error).includes("store_unavailable") || performance.now() > until) throw error;
      }
    }
  }

  /** Ends this life with SIGKILL, or politely, and begins the next one after a while. Doesn't wait for it. */
  restart(how: "kill" | "drain", away: number): void {
    this.work = this.work.then(async () => {
      await this.stop(how);
      await pause(away);
      await this.start();
    });
    this.work.catch((error: unknown) => this.history.add({ type: "failure", text: String(error) }));
  }

  /** Stops the process for a while, without its knowing. */
  pause(milliseconds: number): void {
    this.work = this.work.then(async () => {
      const server = this.current;
      if (server === null) return;
      this.history.add({ type: "fault", text: `server paused for ${milliseconds} ms` });
      server.freeze(true);
      await pause(milliseconds);
      server.freeze(false);
    });
  }

  /** Resolves when the server is up and nothing more is to be done to it. */
  async settled(): Promise<void> {
    await this.work;
  }

  /** What the server says of itself. */
  async state(): Promise<string> {
    return (await this.current?.state().catch(String)) ?? "down";
  }

  async stop(how: "kill" | "drain"): Promise<void> {
    const server = this.current;
    this.current = null;
    if (server === null) return;
    if (server.port !== 0) this.onPort(null);
    this.history.add({ type: "fault", text: how === "kill" ? "server killed" : "server drained" });
    await (how === "kill" ? server.kill() : server.drain());
  }
}
