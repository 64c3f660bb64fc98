import type { ChatClient } from "../client/index.js";
import type { ChatChange, ChatMessage } from "../client/message.js";
import { directConversation, type UserId, type Uuid } from "../model/ids.js";
import type { Terminal } from "./terminal.js";
import { changed, printable, said, TICKS, time } from "./words.js";

/** Milliseconds that what was typed last gets to reach the server before the program ends. */
const LAST_WORDS = 10_000;

/** The conversation that typed lines go to. */
interface Target {
  readonly conversation: Uuid;
  readonly label: string;
  readonly to: { readonly user: UserId } | { readonly conversation: Uuid };
}

/** One user's chat in a terminal. */
export class TerminalChat {
  target: Target | undefined;
  private last: ChatMessage | undefined;
  private readonly groups = new Map<Uuid, string>();
  /** What was typed here and, as far as is known, isn't answered. */
  private readonly unsettled = new Set<Uuid>();

  constructor(
    readonly client: ChatClient,
    readonly terminal: Terminal,
    private readonly me: UserId,
  ) {
    client.on("message", (message) => void this.hear(message));
    client.on("change", (change) => void this.hearChange(change));
    client.on("status", (message) => this.tick(message));
    client.on("state", (state) => {
      if (state === "waiting") this.note("offline; trying again");
      if (state === "online") this.note("online");
    });
    client.on("error", (error) => this.note(error.message));
    this.prompt();
  }

  /** Writes a line of the program's own. */
  note(text: string): void {
    this.terminal.write(this.terminal.dim(`— ${text}`));
  }

  talkTo(user: UserId): void {
    this.aim({ conversation: directConversation(this.me, user), label: user, to: { user } });
  }

  talkIn(conversation: Uuid, name: string): void {
    this.groups.set(conversation, name);
    this.aim({ conversation, label: name, to: { conversation } });
  }

  async send(text: string): Promise<void> {
    if (this.target === undefined) return this.note("whom to? /to NAME, or /group NAME");
    this.last = await this.client.send(this.target.to, text);
    this.unsettled.add(this.last.id);
    this.prompt();
  }

  /** Waits until the server has answered for what was typed; resolves with how many it hasn't. */
  async settle(): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_WORDS);
    });
    const answered = [...this.unsettled].map((id) => this.client.settled(id));
    await Promise.race([deadline, Promise.allSettled(answered)]);
    clearTimeout(timer);
    return (await this.client.pending()).length;
  }

  private aim(target: Target): void {
    this.target = target;
    this.last = undefined;
    this.prompt();
  }

  private prompt(): void {
    const ticks = this.last === undefined ? "" : ` ${TICKS[this.last.status]}`;
    this.terminal.ask(this.target === undefined ? "› " : `${printable(this.target.label)}${ticks} › `);
  }

  private async hear(message: ChatMessage): Promise<void> {
    // What was typed here stands in the terminal already.
    if (message.own && message.sender_device === this.client.device) return;
    const where = message.to === undefined ? `[${await this.nameOf(message.conversation)}] ` : "";
    const who = message.own ? `you → ${message.to ?? "all"}` : message.sender;
    const { terminal } = this;
    terminal.write(
      `${terminal.dim(time(message.timestamp))} ${where}${terminal.bold(printable(who))}: ${said(message)}`,
    );
    if (this.target === undefined && !message.own && message.to !== undefined) this.talkTo(message.sender);
    await this.client.markRead(message.conversation);
  }

  private async hearChange(change: ChatChange): Promise<void> {
    if (change.change.kind === "created" || change.change.kind === "renamed") {
      this.groups.set(change.conversation, change.change.name);
      if (this.target?.conversation === change.conversation) this.talkIn(change.conversation, change.change.name);
    }
    this.note(`[${await this.nameOf(change.conversation)}] ${changed(change)}`);
    await this.client.markRead(change.conversation);
  }

  private tick(message: ChatMessage): void {
    if (message.status !== "queued") this.unsettled.delete(message.id);
    if (message.status === "failed") this.note(`not sent: ${said(message)} (${message.error?.message ?? "refused"})`);
    if (!this.terminal.interactive) this.terminal.write(`${TICKS[message.status]} ${said(message)}`);
    if (message.id !== this.last?.id) return;
    this.last = message;
    this.prompt();
  }

  private async nameOf(conversation: Uuid): Promise<string> {
    const known = this.groups.get(conversation);
    if (known !== undefined) return printable(known);
    for (const { conversation: id, name } of await this.client.conversations()) this.groups.set(id, name);
    return printable(this.groups.get(conversation) ?? "group");
  }
}
