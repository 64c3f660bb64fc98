import { onTestFinished } from "vitest";
import { type ChatClient, type ChatMessage, createChatClient } from "../../../src/client/index.js";
import { until } from "../../../src/testing/until.js";
import type { FaultyProxy } from "../../chaos/proxy.js";
import { tap } from "../../chaos/tap.js";
import type { Deployment } from "./deployment.js";

/** A server's wish that a client comes back later, and when the client did, in milliseconds. */
export interface Return {
  readonly told: number;
  readonly at: number;
  back: number | null;
}

/** A user with one device: an application over the SDK, on a network of its own. */
export class Person {
  /** The texts that others sent, in the order in which the application was told. */
  readonly got: string[] = [];
  /** Every step of own messages. */
  readonly steps: Pick<ChatMessage, "text" | "status">[] = [];
  readonly errors: unknown[] = [];
  readonly returns: Return[] = [];
  readonly client: ChatClient;

  private constructor(
    readonly user: string,
    readonly network: FaultyProxy,
  ) {
    const { WebSocket } = tap({
      sent: (frame) => {
        const last = this.returns.at(-1);
        if (frame.type === "hello" && last !== undefined) last.back ??= performance.now();
      },
      received: (frame) => {
        if (frame.type !== "goaway") return;
        this.returns.push({ told: frame.retry_after, at: performance.now(), back: null });
      },
    });
    const client = createChatClient({ url: `ws://127.0.0.1:${network.port}/chat`, token: user, webSocket: WebSocket });
    this.client = client;
    client.on("message", ({ own, text }) => {
      if (!own) this.got.push(text);
    });
    client.on("status", ({ text, status }) => this.steps.push({ text, status }));
    client.on("error", (error) => this.errors.push(error));
    client.on("gap", () => this.errors.push(new Error("told that messages are gone")));
  }

  /** Somebody who is online, connected to this node first. */
  static async join(deployment: Deployment, user: string, node: number): Promise<Person> {
    const person = new Person(user, await deployment.network(node));
    onTestFinished(() => person.client.close());
    await person.client.connect();
    await person.online();
    return person;
  }

  /** Sends a text; resolves when it is acknowledged. */
  async say(to: string, text: string): Promise<void> {
    const { id } = await this.client.send({ user: to }, text);
    const { status, error } = await this.client.settled(id);
    if (status === "failed") throw new Error(`what ${this.user} said was refused: ${error}`);
  }

  async online(): Promise<void> {
    await until(`${this.user} to be online`, () => this.client.state === "online", 30_000);
  }
}
