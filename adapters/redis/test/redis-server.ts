import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { until } from "sentseen/testing";

/** A Redis of a test file's own, which it may stop, wipe and pause. */
export class RedisServer {
  readonly port: number;
  readonly #directory: string;
  readonly #options: readonly string[];
  #process: ChildProcess | null = null;
  #control: Redis | null = null;

  private constructor(port: number, directory: string, options: readonly string[]) {
    this.port = port;
    this.#directory = directory;
    this.#options = options;
  }

  /** Starts a server on a free port, that keeps nothing on disk unless `options` say so. */
  static async start(options: readonly string[] = []): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), "sentseen-redis-"));
    const server = new RedisServer(await freePort(), directory, options);
    await server.start();
    return server;
  }

  /** A connection for the test itself. */
  get control(): Redis {
    if (this.#control === null) {
      this.#control = new Redis(this.port, { retryStrategy: () => 50, maxRetriesPerRequest: null });
      // It tries again until the server is there.
      this.#control.on("error", () => {});
    }
    return this.#control;
  }

  async start(): Promise<void> {
    const args = ["--port", String(this.port), "--dir", this.#directory, "--save", "", "--appendonly", "no"];
    const log: Buffer[] = [];
    const child = spawn("redis-server", [...args, ...this.#options], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (data: Buffer) => log.push(data));
    child.stderr.on("data", (data: Buffer) => log.push(data));
    const failed = new Promise<never>((_, reject) => {
      child.once("error", (cause) => reject(new Error("redis-server can't be run; is it installed?", { cause })));
      child.once("exit", () => reject(new Error(`redis-server ended:\n${Buffer.concat(log)}`)));
    });
    failed.catch(() => {});
    this.#process = child;
    const answers = async () => (await this.control.ping()) === "PONG";
    await Promise.race([failed, until("Redis to answer", answers, 10_000)]);
  }

  /** Kills it, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await exited;
  }

  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async end(): Promise<void> {
    this.#control?.disconnect();
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Three masters that share the slots. */
export class RedisCluster {
  readonly servers: readonly RedisServer[];
  readonly #replicas: RedisServer[] = [];

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  static async start(): Promise<RedisCluster> {
    const servers = await Promise.all([startNode(), startNode(), startNode()]);
    const cluster = new RedisCluster(servers);
    await cluster.#join();
    return cluster;
  }

  /** What either library takes to find the cluster. */
  get nodes(): { host: string; port: number }[] {
    return this.servers.map(({ port }) => ({ host: "127.0.0.1", port }));
  }

  /** A channel that somebody is subscribed to, on any master. */
  async channel(wanted: (channel: string) => boolean): Promise<string> {
    const lists = await Promise.all(this.servers.map(({ control }) => control.call("PUBSUB", "SHARDCHANNELS")));
    const found = (lists as string[][]).flat().find(wanted);
    if (found === undefined) throw new Error("nobody is subscribed to such a channel");
    return found;
  }

  /** Gives a slot, with all that is in it, to the next master. */
  async moveSlot(slot: number): Promise<void> {
    const ids = await Promise.all(this.servers.map(({ control }) => control.call("CLUSTER", "MYID")));
    const owners = await Promise.all(
      this.servers.map(async ({ control }) => String(await control.call("CLUSTER", "COUNTKEYSINSLOT", slot))),
    );
    const from = owners.findIndex((count) => count !== "0");
    const to = (from + 1) % this.servers.length;
    const [source, target] = [this.servers[from], this.servers[to]] as [RedisServer, RedisServer];
    const [sourceId, targetId] = [ids[from], ids[to]] as [string, string];
    await target.control.call("CLUSTER", "SETSLOT", slot, "IMPORTING", sourceId);
    await source.control.call("CLUSTER", "SETSLOT", slot, "MIGRATING", targetId);
    const keys = (await source.control.call("CLUSTER", "GETKEYSINSLOT", slot, 1_000)) as string[];
    await source.control.call("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "REPLACE", "KEYS", ...keys);
    for (const { control } of [target, source]) await control.call("CLUSTER", "SETSLOT", slot, "NODE", targetId);
  }

  /** Starts a server that takes the place of a master when that is killed. */
  async addReplicaOf(master: RedisServer): Promise<void> {
    const replica = await startNode();
    this.#replicas.push(replica);
    const id = String(await master.control.call("CLUSTER", "MYID"));
    await replica.control.call("CLUSTER", "MEET", "127.0.0.1", master.port, await busOf(master));
    const replicates = async () => {
      try {
        return (await replica.control.call("CLUSTER", "REPLICATE", id)) === "OK";
      } catch {
        return false;
      }
    };
    await until("the replica to know its master", replicates, 20_000);
    const linked = async () => (await replica.control.info("replication")).includes("master_link_status:up");
    await until("the replica to have everything", linked, 20_000);
    const known = async () => {
      const nodes = await Promise.all(this.servers.map(({ control }) => control.call("CLUSTER", "NODES")));
      return nodes.every((text) => String(text).includes(`slave ${id}`));
    };
    await until("everybody to know the replica", known, 20_000);
  }

  async flush(): Promise<void> {
    await Promise.all(this.servers.map(({ control }) => control.flushall()));
  }

  async end(): Promise<void> {
    await Promise.all([...this.servers, ...this.#replicas].map((server) => server.end()));
  }

  async #join(): Promise<void> {
    const [first] = this.servers as [RedisServer];
    const bus = await busOf(first);
    const bounds = [0, 5_461, 10_923, 16_384];
    for (const [index, { control }] of this.servers.entries()) {
      await control.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
      await control.call("CLUSTER", "ADDSLOTSRANGE", bounds[index] as number, (bounds[index + 1] as number) - 1);
      if (index > 0) await control.call("CLUSTER", "MEET", "127.0.0.1", first.port, bus);
    }
    await until("the cluster to be whole", () => this.#whole(), 20_000);
  }

  async #whole(): Promise<boolean> {
    const infos = await Promise.all(this.servers.map(({ control }) => control.call("CLUSTER", "INFO")));
    return infos.every((info) => {
      const text = String(info);
      return text.includes("cluster_state:ok") && text.includes("cluster_size:3");
    });
  }
}

async function startNode(): Promise<RedisServer> {
  const bus = String(await freePort());
  return RedisServer.start(["--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "2000"]);
}

async function busOf({ control }: RedisServer): Promise<number> {
  return Number(((await control.config("GET", "cluster-port")) as string[])[1]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
