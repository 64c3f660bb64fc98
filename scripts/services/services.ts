import { cassandra, cassandra3 } from "./cassandra.js";
import { chooseEngine, type Engine } from "./engine.js";
import { eventually } from "./eventually.js";
import { areHeld, forgetHolders, hold, keep, letGo } from "./holders.js";
import { kafka } from "./kafka.js";
import { locked } from "./lock.js";
import { redis, redisCluster } from "./redis.js";
import type { Server, Service } from "./service.js";

const SERVICES = {
  redis,
  "redis-cluster": redisCluster,
  cassandra,
  "cassandra-3": cassandra3,
  kafka,
} satisfies Record<string, Service>;

export type ServiceName = keyof typeof SERVICES;

export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];

const LOG_LINES = 40;

/** Where a client finds each service. They are the same whether it runs or not. */
export const endpoints = {
  redis: at(redis),
  "redis-cluster": redisCluster.servers.map(({ host, port }) => ({ host, port })),
  cassandra: cluster(cassandra),
  "cassandra-3": cluster(cassandra3),
  kafka: at(kafka),
} as const;

export type Endpoints = typeof endpoints;

let engine: Engine | undefined;

function runner(): Engine {
  engine ??= chooseEngine();
  return engine;
}

/**
 * Until when services stay: for as long as this process lives and hasn't called `releaseServices`; until somebody calls
 * `stopServices`; or for as long as others need them.
 */
export type Stay = "process" | "stopped" | "others";

/**
 * Starts what isn't running and waits until all of it answers. Any number of processes may call this at once. Rejects
 * with the end of the log of a server that doesn't come up.
 */
export function ensureServices(names: readonly ServiceName[], stay: Stay = "process"): Promise<Endpoints> {
  return locked(async () => {
    if (stay === "stopped") keep();
    if (stay === "process") hold();
    for (const name of names) {
      const service: Service = SERVICES[name];
      for (const server of service.servers) await bringUp(server);
      await service.form?.();
    }
    return endpoints;
  });
}

/** Whatever is started, by this process or others, stays until this one ends or calls `releaseServices`. */
export function holdServices(): Promise<void> {
  return locked(async () => hold());
}

/** This process needs them no longer: ends the services unless somebody else does. Idempotent. */
export function releaseServices(): Promise<void> {
  return locked(async () => {
    letGo();
    if (!areHeld()) await remove(SERVICE_NAMES);
  });
}

/** Ends services, whoever needs them, and forgets what they kept. */
export function stopServices(names: readonly ServiceName[] = SERVICE_NAMES): Promise<void> {
  return locked(async () => {
    if (SERVICE_NAMES.every((name) => names.includes(name))) forgetHolders();
    await remove(names);
  });
}

export interface ServerStatus {
  readonly server: string;
  readonly address: string;
  readonly state: "ready" | "running, not answering" | "stopped";
}

export function serviceStatus(names: readonly ServiceName[]): Promise<ServerStatus[]> {
  return Promise.all(
    serversOf(names).map(async (server) => {
      const answers = await server.probe().then(
        () => true,
        () => false,
      );
      const running = await runner().running(server);
      const state = !running ? "stopped" : answers ? "ready" : "running, not answering";
      return { server: server.name, address: `${server.host}:${server.port}`, state };
    }),
  );
}

/** The end of what each server wrote. */
export async function serviceLogs(names: readonly ServiceName[], lines = LOG_LINES): Promise<[string, string][]> {
  const servers = serversOf(names);
  return Promise.all(servers.map(async (server) => [server.name, await runner().log(server, lines)]));
}

/** Sends a signal to one server, for example `redis-cluster-2`; one that ends processes has when this resolves. */
export function killServer(name: string, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  return runner().signal(serverNamed(name), signal);
}

/** Stops a server in its tracks: it keeps its connections and answers nothing. */
export function pauseServer(name: string): Promise<void> {
  return killServer(name, "SIGSTOP");
}

export function resumeServer(name: string): Promise<void> {
  return killServer(name, "SIGCONT");
}

/** Starts a server that was killed, on what it had kept, and waits until it answers. */
export function startServer(name: string): Promise<void> {
  return locked(() => bringUp(serverNamed(name)));
}

async function bringUp(server: Server): Promise<void> {
  const engine = runner();
  // One that runs may have been left paused.
  if (await engine.running(server)) await engine.signal(server, "SIGCONT");
  else await engine.start(server);
  try {
    await eventually(
      `${server.name} to answer on ${server.host}:${server.port}`,
      async () => {
        if (!(await engine.running(server))) throw new Ended(server.name);
        await server.probe();
        return true;
      },
      server.readyWithinMs,
      (error) => error instanceof Ended,
    );
  } catch (cause) {
    const log = await engine.log(server, LOG_LINES);
    throw new Error(`${(cause as Error).message}\nThe end of its log:\n${log}`, { cause });
  }
}

class Ended extends Error {
  constructor(name: string) {
    super(`${name} has ended.`);
  }
}

function remove(names: readonly ServiceName[]): Promise<void> {
  return runner().remove(serversOf(names));
}

function serversOf(names: readonly ServiceName[]): Server[] {
  return names.flatMap((name): readonly Server[] => SERVICES[name].servers);
}

function serverNamed(name: string): Server {
  const servers = serversOf(SERVICE_NAMES);
  const found = servers.find((server) => server.name === name);
  if (found === undefined) {
    throw new Error(`There is no server ${name}; there are: ${servers.map((server) => server.name).join(", ")}.`);
  }
  return found;
}

function at({ servers }: Service): { readonly host: string; readonly port: number } {
  const { host, port } = servers[0] as Server;
  return { host, port };
}

/** In the words of the driver's options. */
function cluster({ servers }: Service) {
  const [{ port }] = servers as [Server];
  return { contactPoints: servers.map(({ host }) => host), port, localDataCenter: "datacenter1" } as const;
}
