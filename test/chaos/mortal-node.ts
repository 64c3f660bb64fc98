import { type ChatServer, type ChatServerOptions, createChatServer, developmentAuth } from "../../src/index.js";
import type { Consumer, Consumption, NodeSession, Queue, Write } from "../../src/ports/index.js";
import { type Around, intercept } from "../behaviour/support/intercept.js";

type Ports = Pick<ChatServerOptions, "storage" | "queue" | "registry">;

export interface MortalOptions {
  /** Open, and shared with other nodes of this process: nothing closes them. */
  readonly ports: Ports;
  readonly roles: NonNullable<ChatServerOptions["roles"]>;
  /** Milliseconds that rows may wait. */
  readonly flushMs: number;
}

/** A server in this process that can end as SIGKILL ends one: nothing that it had under way reaches the shared parts. */
export class MortalNode {
  dead = false;
  /** It dies when such a write has landed. */
  diesOf: (write: Write) => boolean = () => false;
  /** Where it takes connections; 0 where that is none of its roles. */
  port = 0;
  private readonly server: ChatServer;
  private readonly consumptions: Consumption[] = [];
  private session: NodeSession | null = null;

  private constructor({ ports, roles, flushMs }: MortalOptions) {
    const alive: Around = (method, _args, run) => {
      if (method === "close") return Promise.resolve();
      return this.dead ? Promise.reject(new Error("the node is dead")) : run();
    };
    const storage: Around = async (method, args, run) => {
      const answer = await run();
      if (method === "write" && !this.dead && (args[0] as readonly Write[]).some(this.diesOf)) this.die();
      return answer;
    };
    const queue: Around = (method, [topic, group, consumer], run) =>
      method === "consume" ? this.consume(ports.queue, String(topic), String(group), consumer as Consumer) : run();
    const registry: Around = async (method, _args, run) => {
      const answer = await run();
      if (method !== "join") return answer;
      this.session = answer as NodeSession;
      return intercept(this.session, alive);
    };
    this.server = createChatServer({
      storage: intercept(intercept(ports.storage, storage), alive),
      queue: intercept(intercept(ports.queue, queue), alive),
      registry: intercept(intercept(ports.registry, registry), alive),
      roles,
      flushMs,
      authenticate: developmentAuth(),
    });
  }

  static async start(options: MortalOptions): Promise<MortalNode> {
    const node = new MortalNode(options);
    if (options.roles.includes("gateway")) node.port = (await node.server.listen({ port: 0 })).port;
    else await node.server.start();
    return node;
  }

  private async consume(queue: Queue, topic: string, group: string, consumer: Consumer): Promise<Consumption> {
    const consumption = await queue.consume(topic, group, {
      assigned: (partition, lease, completeAfter) =>
        consumer.assigned(partition, { valid: () => !this.dead && lease.valid() }, completeAfter),
      batch: (partition, records) => (this.dead ? undefined : consumer.batch(partition, records)),
      revoked: async (partition) => (this.dead ? undefined : consumer.revoked(partition)),
    });
    this.consumptions.push(consumption);
    return intercept(consumption, (method, _args, run) =>
      this.dead && method === "commit" ? Promise.resolve() : run(),
    );
  }

  /** Ends it. Others get its partitions, and its connections are forgotten. */
  die(): void {
    this.dead = true;
    for (const consumption of this.consumptions) void consumption.stop();
    void this.session?.leave();
    void this.close();
  }

  async close(): Promise<void> {
    await this.server.close({ spreadMs: 0, deadlineMs: 1 }).catch(() => {});
  }
}
