import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import EventEmitter from "eventemitter3";
import { z } from "zod";
import type { Backend, BackendEvents, BackendStats } from "./backend.js";
import {
  type AttachOptions,
  attachOptions,
  type CloseOptions,
  closeOptions,
  type ListenOptions,
  listenOptions,
  readOptions,
} from "./call-options.js";
import { Cluster } from "./cluster/cluster.js";
import { COMMANDS } from "./cluster/topics.js";
import { type ChatServerOptions, type Config, readConfig } from "./config.js";
import { Engine } from "./engine.js";
import { ChatError } from "./errors.js";
import { attachTo } from "./gateway/attach.js";
import { isLoopback, loopbackOnly } from "./gateway/authenticate.js";
import { endEverywhere } from "./gateway/end-everywhere.js";
import { Gateway } from "./gateway/gateway.js";
import { parse, userId, uuid } from "./gateway/given-by-host.js";
import { type GroupOfHost, HostCommands, type MessageOfHost, type Placed } from "./gateway/host-commands.js";
import type { Services } from "./gateway/services.js";
import { TakeoverCheck } from "./gateway/takeover-check.js";
import { turnAway } from "./gateway/turn-away.js";
import { within } from "./log/within.js";
import { collectMetrics, type Metric } from "./metrics.js";
import type { UserId, Uuid } from "./model/ids.js";
import type { Entry } from "./model/message.js";
import type { NodeSession } from "./ports/connection-registry.js";

/** What a server tells its host. A listener that throws or rejects is reported as "error" and disturbs no other. */
export interface ChatServerEvents {
  connect: (connection: { readonly user: UserId; readonly device: Uuid }) => void;
  disconnect: (connection: { readonly user: UserId; readonly device: Uuid; readonly close_code: number }) => void;
  /** A message or a change of a group was stored and acknowledged. */
  message: (entry: Entry) => void;
  /** Something failed: storage that is away and will be tried again, a listener or hook that threw, a fault. */
  error: (error: unknown) => void;
}

/** One connection, as the host sees it. */
export interface ConnectionInfo {
  readonly user: UserId;
  readonly device: Uuid;
  readonly sub_protocol: string;
  /** Commands that aren't answered yet. */
  readonly in_flight: number;
  /** Bytes that its socket hasn't taken yet; what doesn't fit in 256 KiB waits in the mailbox. */
  readonly waiting_bytes: number;
}

export interface ChatServerStats extends BackendStats {
  readonly connections: number;
  readonly users: number;
}

type State = "new" | "starting" | "running" | "closing" | "closed";

const deviceSchema = z.strictObject({ user: userId, device: uuid });
const disconnectSchema = z.strictObject({ user: userId, device: uuid.optional() });
const REMOVE_MS = 10_000;
const CLOSE_SOCKETS_MS = 2_000;
/** How long (ms) a request may take to arrive, so that nobody holds a socket by sending it a byte at a time. */
const HTTP_TIMES = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 } as const;

/** A chat server in the host's process. Made by `createChatServer`. */
export class ChatServer {
  private readonly config: Config;
  private readonly emitter = new EventEmitter<ChatServerEvents>();
  private readonly node = randomBytes(12).toString("base64url");
  private readonly backend: Backend;
  private state: State = "new";
  private opening: Promise<void> | null = null;
  private starting: Promise<void> | null = null;
  private closingDown: Promise<void> | null = null;
  private gateway: Gateway | null = null;
  private hostCommands: HostCommands | null = null;
  private takeovers: TakeoverCheck | null = null;
  private leave: (() => Promise<void>) | null = null;
  /** The HTTP servers that it made itself. */
  private readonly own: Server[] = [];
  private readonly detach: (() => void)[] = [];

  constructor(options: ChatServerOptions) {
    this.config = readConfig(options);
    const events: BackendEvents = {
      answer: (of, answer, offset) => this.gateway?.answer(of, answer, offset),
      entry: (entry) => this.emit("message", entry),
      forward: (user, receipts) => this.gateway?.forwardReceipts(user, receipts),
      end: (entry, why) => this.gateway?.endEntry(entry, why),
      turn: () => this.gateway?.flush(),
      failed: (error) => this.emit("error", error),
      lost: (what) => this.gateway?.endAll("store_unavailable", what === "answers"),
    };
    this.backend = this.config.queue.embedded
      ? new Engine(this.config, this.node, events)
      : new Cluster(this.config, this.node, events);
  }

  on<E extends keyof ChatServerEvents>(event: E, listener: ChatServerEvents[E]): () => void {
    this.emitter.on(event, listener as never);
    return () => this.emitter.off(event, listener as never);
  }

  /**
   * Opens the parts and takes the log up where it was left. Idempotent. Rejects with the part's own error (`in_use`,
   * `corrupt`, `store_unavailable`); the server is closed then.
   */
  start(): Promise<void> {
    if (this.closingDown !== null) return Promise.reject(new ChatError("closed"));
    this.opening ??= this.run();
    this.starting ??= this.opening.catch(async (error: unknown) => {
      await this.close().catch(() => {});
      throw error;
    });
    return this.starting;
  }

  private async run(): Promise<void> {
    this.state = "starting";
    const { config, backend, node } = this;
    const { storage, queue, registry, rateLimiter } = config;
    for (const part of [storage, queue, registry, rateLimiter]) await part?.open();
    const session = await registry.join(node, backend.handlers);
    this.leave = () => session.leave();
    await backend.start(session);
    if (config.roles.includes("gateway")) this.openGateway(session);
    this.state = "running";
  }

  private openGateway(session: NodeSession): void {
    const { config, backend, node } = this;
    const { storage, queue } = config;
    const services: Services = {
      node,
      session,
      limits: config.limits,
      rate: config.rate,
      rateLimiter: config.rateLimiter,
      now: config.now,
      maxConnections: config.maxConnections,
      authenticate: config.authenticate,
      origins: config.origins,
      hooks: config.hooks,
      probe: config.probe,
      devices: (user) => storage.devices(user),
      publish: (items) => queue.publish(COMMANDS, items),
      conversations: backend.conversations,
      takeOver: (entry) => backend.end(entry, "replaced"),
      get mailboxes() {
        return backend.mailboxes;
      },
      get receipts() {
        return backend.receipts;
      },
      get history() {
        return backend.history;
      },
      events: {
        connected: (connection) => this.emit("connect", connection),
        disconnected: (connection) => this.emit("disconnect", connection),
        failed: (error) => this.emit("error", error),
      },
    };
    const gateway = new Gateway(services);
    this.gateway = gateway;
    this.hostCommands = new HostCommands(gateway);
    // Within one process nothing that nodes tell each other is lost.
    if (config.queue.embedded) return;
    this.takeovers = new TakeoverCheck({
      registry: config.registry,
      connections: () => gateway.directory.all(),
      replaced: (entry) => gateway.endEntry(entry, "replaced"),
      failed: (error) => this.emit("error", error),
      everyMs: config.sweepMs,
    });
    this.takeovers.start();
  }

  /**
   * Serves WebSockets under a path of the host's own HTTP server, and leaves its other requests and upgrades alone.
   * Call `start` as well. Connections before that are turned away with 503. How long a request may take to arrive is
   * up to the host's server. Throws `config` where the path is taken already.
   */
  attach(server: Server, options: AttachOptions = {}): void {
    const { path } = readOptions(attachOptions, options);
    this.takesConnections();
    const detach = attachTo(server, path, (request, socket, head) => {
      if (this.gateway !== null) this.gateway.upgrade(request, socket, head);
      else turnAway(socket, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\n");
    });
    this.detach.push(detach);
  }

  /** Throws where this server takes no connections, or none any more. */
  private takesConnections(): void {
    if (!this.config.roles.includes("gateway")) {
      throw new ChatError("config", "This process takes no connections.", { field: "roles" });
    }
    if (this.closingDown !== null) throw new ChatError("closed");
  }

  /** Starts, and listens by itself. Call it again to listen at another place as well. */
  async listen(options: ListenOptions): Promise<{ port: number; url: string }> {
    const { port, host, path } = readOptions(listenOptions, options);
    this.takesConnections();
    if (loopbackOnly(this.config.authenticate) && !isLoopback(host)) {
      throw new ChatError("config", "Development authentication listens on loopback addresses only.", {
        field: "host",
      });
    }
    await this.start();
    const server = createServer(HTTP_TIMES, (_request, response) => {
      response
        .writeHead(426, { "content-type": "text/plain", upgrade: "websocket" })
        .end("This is a WebSocket server.\n");
    });
    this.attach(server, { path });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    if (this.closingDown !== null) {
      await stopListening(server);
      throw new ChatError("closed");
    }
    this.own.push(server);
    const bound = (server.address() as AddressInfo).port;
    return { port: bound, url: `ws://${host.includes(":") ? `[${host}]` : host}:${bound}${path}` };
  }

  /** Sends a message as a user of the host's choice. Resolves when it is stored for good. */
  async send(message: MessageOfHost): Promise<Placed> {
    return this.running().send(message);
  }

  /** Makes a group. Resolves when it is stored for good. */
  async createGroup(group: GroupOfHost): Promise<Placed> {
    return this.running().createGroup(group);
  }

  private running(): HostCommands {
    if (this.hostCommands === null || this.state !== "running") {
      throw new ChatError("closed", "The server isn't running.");
    }
    return this.hostCommands;
  }

  /** The connections of a user, or all. */
  connections(user?: UserId): ConnectionInfo[] {
    const directory = this.gateway?.directory;
    const connections = user === undefined ? directory?.all() : directory?.of(user);
    return [...(connections ?? [])]
      .filter(({ state }) => state === "open")
      .map(({ user, device, framing, inFlight, waiting }) => ({
        user,
        device,
        sub_protocol: framing.codec.name,
        in_flight: inFlight,
        waiting_bytes: waiting,
      }));
  }

  /**
   * Ends a user's connections, or one device's, for good, on all nodes: their clients stay away. Resolves with how many
   * there were when all have ended; rejects with `timeout` where some node hasn't ended its own after ten seconds.
   */
  async disconnect(of: { readonly user: UserId; readonly device?: Uuid | undefined }): Promise<number> {
    if (this.state !== "running") throw new ChatError("closed", "The server isn't running.");
    const { user, device } = parse(disconnectSchema, of);
    return endEverywhere(
      { registry: this.config.registry, tell: (entry) => this.backend.end(entry, "disconnected") },
      user,
      device,
    );
  }

  /**
   * Forgets a device of a user: its connection ends, wherever it is, and what waited only for it goes. Resolves when
   * that is stored; rejects with `timeout` after 10 seconds, and it will be stored all the same once storage is back.
   */
  async removeDevice(user: UserId, device: Uuid): Promise<void> {
    if (this.state !== "running") throw new ChatError("closed", "The server isn't running.");
    const of = parse(deviceSchema, { user, device });
    const ended = this.disconnect(of);
    const removed = ended.catch(() => {}).then(() => this.backend.removeDevice(of.user, of.device));
    await within(REMOVE_MS, Promise.all([ended, removed]));
  }

  stats(): ChatServerStats {
    const { directory } = this.gateway ?? {};
    return { connections: directory?.size ?? 0, users: directory?.users ?? 0, ...this.backend.stats() };
  }

  /**
   * Tells clients to come back, answers what is under way, writes everything, releases all parts. Idempotent; closes
   * no server that it was attached to. Rejects with the first error of a part that couldn't be released, after the rest.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { spreadMs, deadlineMs } = readOptions(closeOptions, options);
    this.closingDown ??= this.shutDown(spreadMs, deadlineMs);
    return this.closingDown;
  }

  /**
   * All metrics of this process, as of now: for an adapter to whatever collects them. Costs nothing until it is called,
   * and then one question to the queue for each partition that is this process's own; where the queue doesn't answer
   * within two seconds the lag has no sample.
   */
  metrics(): Promise<readonly Metric[]> {
    const { backend, config, gateway } = this;
    return collectMetrics({ backend, queue: config.queue, connections: gateway?.directory.size ?? 0 });
  }

  private async shutDown(spreadMs: number, deadlineMs: number): Promise<void> {
    await this.opening?.catch(() => {});
    this.state = "closing";
    this.takeovers?.stop();
    await this.gateway?.drain(spreadMs, deadlineMs);
    await this.gateway?.close(CLOSE_SOCKETS_MS);
    for (const detach of this.detach) detach();
    for (const server of this.own) await stopListening(server);
    const { queue, storage, registry, rateLimiter } = this.config;
    const errors: unknown[] = [];
    for (const release of [
      () => this.backend.stop(),
      () => this.leave?.(),
      () => queue.close(),
      () => storage.close(),
      () => registry.close(),
      () => rateLimiter?.close(),
    ]) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    this.state = "closed";
    if (errors.length > 0) throw errors[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private emit<E extends keyof ChatServerEvents>(event: E, ...args: Parameters<ChatServerEvents[E]>): void {
    const failed = (error: unknown): void => {
      if (event !== "error") this.emit("error", error);
    };
    for (const listener of this.emitter.listeners(event) as ((...args: unknown[]) => unknown)[]) {
      try {
        const answer = listener(...args);
        if (answer instanceof Promise) answer.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}

function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // Those that never asked for anything would be waited for.
    server.closeAllConnections();
  });
}

/** A chat server made of the host's choice of parts. Throws `config` or `incompatible`, naming what to change. */
export function createChatServer(options: ChatServerOptions): ChatServer {
  return new ChatServer(options);
}
