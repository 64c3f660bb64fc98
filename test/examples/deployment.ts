import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { type ChatClient, createChatClient } from "sentseen/client/node";
import { WebSocket } from "ws";
import { endpoints } from "../../scripts/services/services.js";
import { FaultyProxy } from "../chaos/proxy.js";
import { ExampleProcess } from "./example-process.js";
import { forget } from "./forget.js";

/** A client with what it got, in order. */
export interface Person {
  readonly user: string;
  readonly client: ChatClient;
  readonly got: string[];
}

/** Takes what has to be done when all is over. */
export type AtEnd = (end: () => Promise<void>) => void;

/** Processes of an example on real servers, under names of their own, and one port that leads to those behind it. */
export class Deployment {
  readonly #example: string;
  readonly #secret = randomBytes(32).toString("base64url");
  readonly #name = `example_${randomBytes(6).toString("hex")}`;
  readonly #proxy: FaultyProxy;
  readonly #behind: ExampleProcess[] = [];

  readonly #atEnd: AtEnd;

  private constructor(example: string, proxy: FaultyProxy, atEnd: AtEnd) {
    this.#example = example;
    this.#proxy = proxy;
    this.#atEnd = atEnd;
  }

  static async of(example: string, atEnd: AtEnd): Promise<Deployment> {
    const proxy = await FaultyProxy.open();
    const deployment = new Deployment(example, proxy, atEnd);
    // What is first here comes last: when all processes are gone.
    atEnd(() => forget(deployment.#name, example.startsWith("kafka")));
    atEnd(() => proxy.close());
    return deployment;
  }

  /** One more process. Those that take connections stand behind the port. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<ExampleProcess> {
    const { redis, kafka, cassandra } = endpoints;
    const process = await ExampleProcess.start(this.#example, {
      JWT_SECRET: this.#secret,
      REDIS_URL: `redis://${redis.host}:${redis.port}`,
      KAFKA: `${kafka.host}:${kafka.port}`,
      CASSANDRA: `${cassandra.contactPoints[0]}:${cassandra.port}`,
      PREFIX: this.#name,
      KEYSPACE: this.#name,
      SPREAD_MS: "0",
      ...env,
    });
    this.#atEnd(() => process.gone());
    if ((env.ROLES ?? "gateway").includes("gateway")) this.#behind.push(process);
    this.#spread();
    return process;
  }

  /** Ends a process: with SIGKILL, or, asked to by SIGTERM, by itself. */
  async end(process: ExampleProcess, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const ended = process.end(signal);
    this.#behind.splice(0, Number.POSITIVE_INFINITY, ...this.#behind.filter((other) => other !== process));
    this.#spread();
    return ended;
  }

  /** A user who comes in by the one port. */
  async person(user: string): Promise<Person> {
    const token = await new SignJWT({ sub: user })
      .setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("1h")
      .sign(Buffer.from(this.#secret));
    const url = `ws://127.0.0.1:${this.#proxy.port}/chat`;
    const client = createChatClient({ url, token, webSocket: WebSocket });
    this.#atEnd(() => client.close());
    const got: string[] = [];
    client.on("message", ({ text, sender }) => {
      if (sender !== user) got.push(text);
    });
    await client.connect();
    return { user, client, got };
  }

  #spread(): void {
    this.#proxy.targets = this.#behind.map(({ port }) => port);
  }
}
