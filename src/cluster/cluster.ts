import type { Backend, BackendEvents, BackendStats, EndOfEntry, OwnedPartition } from "../backend.js";
import { type Config, UNDELIVERED_MS } from "../config.js";
import type { Counts } from "../log/counts.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { ConnectionEntry, NodeHandlers, NodeSession } from "../ports/connection-registry.js";
import { ConversationClient } from "./conversation-client.js";
import { DeliveryRole } from "./delivery-role.js";
import { MailboxClient } from "./mailbox-client.js";
import { MessagesRole } from "./messages-role.js";
import { NodeLink } from "./node-link.js";
import type { NodeMessage } from "./node-message.js";
import { COMMANDS, DELIVERIES, GAPS, Routes } from "./topics.js";
import { Whereabouts } from "./whereabouts.js";

/** How long (ms) a node that ends tries to tell others what its connections reported. */
const LAST_WORDS_MS = 2_000;

/** The roles of one node among several: those that run here, and the way to those that run elsewhere. */
export class Cluster implements Backend {
  readonly handlers: NodeHandlers;
  readonly mailboxes: MailboxClient;
  readonly receipts: Backend["receipts"];
  readonly history: Backend["history"];
  readonly conversations: Backend["conversations"];
  private readonly link: NodeLink;
  private readonly client: ConversationClient;
  private readonly messages: MessagesRole | null;
  private readonly delivery: DeliveryRole | null;
  private readonly routes: Routes;
  private refresh: NodeJS.Timeout | null = null;

  constructor(
    private readonly config: Config,
    private readonly node: string,
    private readonly events: BackendEvents,
  ) {
    const { storage, registry, queue, now, historyMs, roles } = config;
    const { failed } = events;
    this.link = new NodeLink(node, {
      received: (message) => this.received(message),
      published: ({ partition, since }) => this.mailboxes.began(partition, since),
      lost: () => this.lost(),
      failed,
    });
    const { link } = this;
    this.handlers = link.handlers;
    this.routes = new Routes(queue);
    const { routes } = this;
    const whereabouts = new Whereabouts(registry, link, failed);
    this.messages = roles.includes("messages")
      ? new MessagesRole(config, link, routes, {
          entry: events.entry,
          forward: (user, receipts) => whereabouts.forward(user, receipts),
          failed,
        })
      : null;
    this.delivery = roles.includes("delivery") ? new DeliveryRole(config, link, whereabouts, failed) : null;
    this.client = new ConversationClient({ link, routes, storage, now, historyMs, failed });
    const { client } = this;
    this.mailboxes = new MailboxClient({
      link,
      routes,
      storage,
      now,
      reportsConfirmed: (user) => client.reportsConfirmed(user),
      failed,
    });
    this.receipts = {
      report: (user, conversation, reported) => client.report(user, conversation, reported),
      of: (state) => client.watermarks(state),
    };
    this.history = {
      kept: client.historyKept,
      read: (conversation, range) => client.history(conversation, range),
    };
    this.conversations = {
      held: () => client.held(),
      load: (id) => client.load(id),
      of: (user, after, limit) => client.conversationsOf(user, after, limit),
    };
  }

  async start(session: NodeSession): Promise<void> {
    this.link.joined(session);
    if (this.config.roles.includes("gateway")) await this.link.watch(GAPS);
    await this.delivery?.start();
    await this.messages?.start();
    this.refresh = setInterval(() => this.mailboxes.refresh(UNDELIVERED_MS / 60), this.config.sweepMs);
    this.refresh.unref();
  }

  async stop(): Promise<void> {
    if (this.refresh !== null) clearInterval(this.refresh);
    await Promise.all([this.mailboxes.close(LAST_WORDS_MS), this.client.close(LAST_WORDS_MS)]);
    await this.messages?.stop();
    await this.delivery?.stop();
    this.link.close();
  }

  end(entry: ConnectionEntry, why: EndOfEntry): void {
    this.link.tell(entry.server_id, { kind: why, entry });
  }

  async removeDevice(user: UserId, device: Uuid): Promise<void> {
    await this.link.ask(this.routes.mailboxOwner(user), { about: "removal", user, device });
  }

  stats(): BackendStats {
    const commands = this.messages?.progress() ?? [];
    const owners = [...(this.delivery?.owners() ?? [])].map(([, owner]) => owner);
    const all = [...commands, ...owners];
    const applied = Math.max(0, ...all.map((one) => one.applied));
    const behind = all.filter((one) => one.checkpoint < one.applied).map(({ checkpoint }) => checkpoint);
    const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
    return {
      mailboxes: sum(owners.map(({ mailboxes }) => mailboxes.size)),
      pending_entries: sum(owners.map(({ mailboxes }) => mailboxes.pending.entries)),
      pending_bytes:
        sum(owners.map(({ mailboxes }) => mailboxes.pending.bytes)) + sum(commands.map((one) => one.pending_bytes)),
      applied,
      checkpoint: Math.min(applied, ...behind),
      dead_letters: sum([...this.counted().values()].map(({ deadLetters }) => deadLetters)),
    };
  }

  counted(): ReadonlyMap<string, Counts> {
    const found = new Map<string, Counts>();
    if (this.messages !== null) found.set(COMMANDS, this.messages.counts);
    if (this.delivery !== null) found.set(DELIVERIES, this.delivery.counts);
    return found;
  }

  owned(): OwnedPartition[] {
    const commands = this.messages?.progress() ?? [];
    return [
      ...commands.map(({ partition, applied, writing }) => ({ topic: COMMANDS, partition, applied, writing })),
      ...[...(this.delivery?.owners() ?? [])].map(([partition, { applied, writing }]) => ({
        ...{ topic: DELIVERIES, partition, applied, writing },
      })),
    ];
  }

  private received(message: Exclude<NodeMessage, { kind: "reply" | "refusal" }>): void {
    const { events, mailboxes } = this;
    switch (message.kind) {
      case "replaced":
      case "disconnected":
        if (message.entry.server_id === this.node) events.end(message.entry, message.kind);
        break;
      case "answers":
        for (const { answer, ...of } of message.answers) events.answer(of, answer, 0);
        break;
      case "receipts":
        for (const [user, receipts] of message.receipts) events.forward(user, receipts);
        break;
      case "pushes":
        for (const push of message.pushes) mailboxes.pushed(push);
        break;
      case "look":
        for (const [user, head] of message.heads) mailboxes.look(user, head);
    }
    events.turn();
  }

  /** Answers may be among what was lost: their clients come back and ask again. */
  private lost(): void {
    this.events.lost("answers");
    this.mailboxes.lost().catch(this.events.failed);
  }
}
