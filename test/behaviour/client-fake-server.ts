import { ChatError } from "../../src/errors.js";
import { directConversation, newId } from "../../src/model/ids.js";
import { DEFAULT_LIMITS, type Limits } from "../../src/model/limits.js";
import type { GroupChange, Role } from "../../src/model/message.js";
import { MSGPACK, type SubProtocol, serverCodec } from "../../src/protocol/codec.js";
import type { ClientFrame, ClientFrames, ServerFrame, ServerFrames } from "../../src/protocol/frames.js";

type EntryFrame = ServerFrames["message"] | ServerFrames["change"];
type CommandFrame = ClientFrames["send" | `group.${"create" | "rename" | "add" | "remove" | "leave" | "role"}`];
type Ack = Omit<ServerFrames["ack"], "type" | "ref" | "position">;

interface Group {
  readonly id: string;
  readonly kind: "direct" | "group";
  name: string;
  head: number;
  version: number;
  readonly members: Map<string, { role: Role; joined: number }>;
  readonly entries: EntryFrame[];
  readonly marks: Map<string, { delivered: number; read: number }>;
}

/** Where a connection's bytes go. */
export interface Link {
  send(data: Uint8Array | string): void;
  close(code: number): void;
}

/** How the server misbehaves. Each may be changed at any time. */
export interface Faults {
  /** Looks at a frame before it is answered: true swallows it, frames are sent instead of an answer. */
  receive?: ((frame: ClientFrame, line: Line) => boolean | ServerFrame[]) | undefined;
  /** Looks at a frame before it is sent: how often it is sent. */
  send?: ((frame: ServerFrame, line: Line) => number) | undefined;
  /** What an acknowledgement says of the entry: its position; nothing, and the entry follows; nothing at all. */
  ack: "position" | "echo" | "bare";
  gap: boolean;
  retention: "none" | "forever";
  limits: Limits;
}

/** One connection, as the server sees it. */
export class Line {
  user = "";
  device = "";
  open = true;
  readonly received: ClientFrame[] = [];
  readonly sent: ServerFrame[] = [];
  private readonly codec;

  constructor(
    private readonly server: FakeServer,
    private readonly link: Link,
    subProtocol: SubProtocol,
  ) {
    this.codec = serverCodec(subProtocol);
  }

  receive(data: Uint8Array | string): void {
    for (const decoded of this.codec.decode(data)) {
      if (decoded.error !== undefined) throw decoded.error;
      this.received.push(decoded.frame);
      this.server.handle(this, decoded.frame);
    }
  }

  send(frame: ServerFrame): void {
    for (let times = this.server.faults.send?.(frame, this) ?? 1; times > 0 && this.open; times--) {
      this.sent.push(frame);
      this.link.send(this.codec.encode(frame));
    }
  }

  close(code: number): void {
    if (!this.open) return;
    this.open = false;
    this.server.lines.delete(this);
    this.link.close(code);
  }
}

/** A small server that keeps to the protocol, but for the faults that a test asks for. Everything is in memory. */
export class FakeServer {
  readonly faults: Faults = { ack: "position", gap: false, retention: "none", limits: DEFAULT_LIMITS };
  readonly lines = new Set<Line>();
  /** Every line that there ever was. */
  readonly history: Line[] = [];
  readonly groups = new Map<string, Group>();
  /** Refuses a token with a close code, or null to let it in. */
  admit: (token: string) => number | null = () => null;
  private readonly mailboxes = new Map<string, { position: number; entry: EntryFrame }[]>();
  private readonly answers = new Map<string, Ack>();
  private readonly positions = new Map<string, number>();
  private position = 1_000_000;
  /** A command that was refused for now: nothing of its device overtakes it. */
  private readonly owed = new Map<string, string>();

  connect(link: Link, subProtocol: SubProtocol = MSGPACK): Line {
    const line = new Line(this, link, subProtocol);
    this.lines.add(line);
    this.history.push(line);
    return line;
  }

  /** The lines of a user that are open and greeted. */
  of(user: string): Line[] {
    return [...this.lines].filter((line) => line.user === user);
  }

  /** What is stored of a conversation, in order. */
  entries(conversation: string): readonly EntryFrame[] {
    return this.groups.get(conversation)?.entries ?? [];
  }

  head(user: string): number {
    return this.mailboxes.get(user)?.at(-1)?.position ?? 0;
  }

  /** Somebody without a client says something. */
  say(from: string, to: { user: string } | { conversation: string }, text: string, id = newId()): Ack {
    const content = new TextEncoder().encode(text);
    return this.apply(from, newId(), { type: "send", ref: 0, id, ...to, content_type: "text", content });
  }

  /** The next commands of a device are refused until this one comes again. */
  owe(line: Line, id: string): void {
    this.owed.set(line.device, id);
  }

  /** Forgets everything, as a server whose data was lost. */
  wipe(): void {
    this.groups.clear();
    this.mailboxes.clear();
    this.answers.clear();
    this.positions.clear();
  }

  handle(line: Line, frame: ClientFrame): void {
    const instead = this.faults.receive?.(frame, line) ?? false;
    if (instead === true) return;
    if (instead !== false) {
      for (const answer of instead) line.send(answer);
      return;
    }
    switch (frame.type) {
      case "hello":
        return this.hello(line, frame);
      case "ping":
        return line.send({ type: "pong", head: this.head(line.user), position: this.positions.get(line.device) ?? 0 });
      case "auth":
        return line.send({ type: "ok", ref: frame.ref });
      case "receipt":
        return this.receipt(line, frame);
      case "pull":
        return this.pull(line, frame);
      case "receipts":
        return line.send({ type: "watermarks", ref: frame.ref, watermarks: this.watermarks(frame.conversations) });
      case "conversations":
        return line.send({
          type: "conversation_list",
          ref: frame.ref,
          more: false,
          conversations: this.list(line.user),
        });
      case "group.members":
        return this.members(line, frame);
      default:
        return this.command(line, frame);
    }
  }

  private hello(line: Line, { token, device, position }: ClientFrames["hello"]): void {
    const refused = this.admit(token);
    if (refused !== null) return line.close(refused);
    for (const other of this.lines) if (other !== line && other.device === device.id) other.close(4501);
    line.user = token.split(" ")[0] as string;
    line.device = device.id;
    line.send({
      type: "welcome",
      user: line.user,
      device: device.id,
      connection: String(this.history.length),
      timestamp: Date.now(),
      gap: this.faults.gap,
      limits: this.faults.limits,
    });
    this.replay(line, this.faults.gap ? 0 : (position ?? 0));
  }

  private replay(line: Line, after: number): void {
    for (const { position, entry } of this.mailboxes.get(line.user) ?? []) {
      if (position > after) line.send({ ...entry, position });
    }
    line.send({ type: "synced", position: Math.max(after, this.head(line.user)) });
  }

  private command(line: Line, frame: CommandFrame): void {
    const owed = this.owed.get(line.device);
    if (owed !== undefined && owed !== frame.id) {
      return line.send({
        type: "error",
        ref: frame.ref,
        id: frame.id,
        code: "rate_limited",
        message: "",
        retry_after: 1,
      });
    }
    this.owed.delete(line.device);
    try {
      const ack = this.apply(line.user, line.device, frame, line);
      const position = this.positionOf(line.user, ack);
      const told = this.faults.ack === "position" ? { position } : {};
      line.send({ type: "ack", ref: frame.ref, ...ack, ...told });
      if (this.faults.ack === "echo") this.deliver(line, ack.conversation, ack.seq);
    } catch (error) {
      const { code, field } = error as ChatError;
      const detail = field === undefined ? {} : { field };
      line.send({ type: "error", ref: frame.ref, id: frame.id, code, message: "", ...detail });
    }
  }

  private positionOf(user: string, { conversation, seq }: Ack): number {
    const row = this.mailboxes.get(user)?.find(({ entry }) => entry.conversation === conversation && entry.seq === seq);
    return row?.position ?? 0;
  }

  private deliver(line: Line, conversation: string, seq: number): void {
    for (const { position, entry } of this.mailboxes.get(line.user) ?? []) {
      if (entry.conversation === conversation && entry.seq === seq) line.send({ ...entry, position });
    }
  }

  private apply(user: string, device: string, frame: CommandFrame, from?: Line): Ack {
    const key = `${device} ${frame.id}`;
    const known = this.answers.get(key);
    if (known !== undefined) return known;
    const group = this.group(user, frame);
    const before = [...group.members.keys()];
    const change = frame.type === "send" ? null : this.change(group, user, frame);
    const seq = ++group.head;
    if (change !== null) group.version = seq;
    const timestamp = Date.now();
    const placed = { conversation: group.id, seq, id: frame.id, sender: user, sender_device: device, timestamp };
    const entry: EntryFrame =
      frame.type === "send"
        ? {
            type: "message",
            ...placed,
            ...(frame.user !== undefined && { to: frame.user }),
            content_type: frame.content_type,
            content: frame.content,
            ...(frame.silent !== undefined && { silent: frame.silent }),
          }
        : { type: "change", ...placed, change: change as GroupChange };
    group.entries.push(entry);
    const ack = { id: frame.id, conversation: group.id, seq, timestamp };
    this.answers.set(key, ack);
    for (const member of new Set([...before, ...group.members.keys()])) this.post(member, entry, device, from);
    return ack;
  }

  private post(user: string, entry: EntryFrame, device: string, from: Line | undefined): void {
    // Whoever has no other device needs no copy of what it sent itself.
    if (this.faults.ack === "bare" && from?.user === user) return;
    const position = ++this.position;
    const mailbox = this.mailboxes.get(user) ?? [];
    this.mailboxes.set(user, mailbox);
    mailbox.push({ position, entry });
    for (const line of this.of(user)) if (line.device !== device) line.send({ ...entry, position });
  }

  private group(user: string, frame: CommandFrame): Group {
    const id =
      "user" in frame && frame.type === "send" && frame.user !== undefined
        ? directConversation(user, frame.user)
        : (frame.conversation as string);
    let group = this.groups.get(id);
    if (group === undefined) {
      if (frame.type !== "group.create" && !(frame.type === "send" && frame.user !== undefined)) {
        throw new ChatError("not_found", undefined, { field: "conversation" });
      }
      const users = frame.type === "group.create" ? [] : [user, frame.user as string];
      group = {
        id,
        kind: frame.type === "send" ? "direct" : "group",
        name: "",
        head: 0,
        version: 0,
        members: new Map(users.map((one) => [one, { role: "member", joined: 1 }])),
        entries: [],
        marks: new Map(),
      };
      this.groups.set(id, group);
    } else if (!group.members.has(user)) throw new ChatError("not_member");
    return group;
  }

  private change(group: Group, user: string, frame: Exclude<CommandFrame, { type: "send" }>): GroupChange {
    const { members } = group;
    switch (frame.type) {
      case "group.create": {
        const users = [user, ...frame.users];
        for (const one of users) members.set(one, { role: one === user ? "owner" : "member", joined: 1 });
        group.name = frame.name;
        return { kind: "created", name: frame.name, users };
      }
      case "group.rename":
        group.name = frame.name;
        return { kind: "renamed", name: frame.name };
      case "group.add":
        for (const one of frame.users) members.set(one, { role: "member", joined: group.head + 1 });
        return { kind: "added", users: frame.users };
      case "group.remove":
        for (const one of frame.users) members.delete(one);
        return { kind: "removed", users: frame.users };
      case "group.leave":
        members.delete(user);
        return { kind: "left" };
      case "group.role":
        members.set(frame.user, { role: frame.role, joined: members.get(frame.user)?.joined ?? 1 });
        return { kind: "role", user: frame.user, role: frame.role };
    }
  }

  private receipt(line: Line, { position, delivered = [], read = [] }: ClientFrames["receipt"]): void {
    if (position !== undefined) {
      this.positions.set(line.device, Math.max(position, this.positions.get(line.device) ?? 0));
    }
    for (const [conversation, seq] of delivered) this.mark(line.user, conversation, { delivered: seq, read: 0 });
    for (const [conversation, seq] of read) this.mark(line.user, conversation, { delivered: seq, read: seq });
  }

  /** A user has got so far; the others are told. */
  mark(user: string, conversation: string, mark: { delivered: number; read: number }): void {
    const group = this.groups.get(conversation);
    if (!group?.members.has(user)) return;
    const known = group.marks.get(user) ?? { delivered: 0, read: 0 };
    const grown = {
      delivered: Math.max(known.delivered, Math.min(mark.delivered, group.head)),
      read: Math.max(known.read, Math.min(mark.read, group.head)),
    };
    group.marks.set(user, grown);
    for (const member of group.members.keys()) {
      if (member === user) continue;
      for (const line of this.of(member))
        line.send({ type: "receipt", watermarks: [{ conversation, user, ...grown }] });
    }
  }

  private watermarks(conversations: readonly string[]) {
    return conversations.flatMap((conversation) =>
      [...(this.groups.get(conversation)?.marks ?? [])].map(([user, mark]) => ({ conversation, user, ...mark })),
    );
  }

  private list(user: string): ServerFrames["conversation_list"]["conversations"] {
    return [...this.groups.values()]
      .filter(({ members }) => members.has(user))
      .sort((one, other) => (one.id < other.id ? -1 : 1))
      .map(({ id, kind, name, head, marks, members }) => ({
        conversation: id,
        kind,
        ...(kind === "group" ? { name } : { user: [...members.keys()].find((member) => member !== user) ?? user }),
        head,
        timestamp: Date.now(),
        ...(marks.get(user) ?? { delivered: 0, read: 0 }),
      }));
  }

  private members(line: Line, { ref, conversation }: ClientFrames["group.members"]): void {
    const group = this.groups.get(conversation);
    if (!group?.members.has(line.user)) return line.send({ type: "error", ref, code: "not_found", message: "" });
    const { kind, name, version, head } = group;
    const members = [...group.members].map(([user, member]) => ({ user, ...member }));
    line.send({ type: "member_list", ref, conversation, kind, name, version, head, members });
  }

  private pull(line: Line, frame: ClientFrames["pull"]): void {
    const { ref, mailbox, conversation, after, before, limit = 256 } = frame;
    if (mailbox !== undefined) {
      line.send({ type: "ok", ref });
      return this.replay(line, mailbox);
    }
    if (this.faults.retention === "none") return line.send({ type: "error", ref, code: "not_kept", message: "" });
    const all = this.entries(conversation ?? "").filter(({ seq }) => seq > (after ?? 0) && seq < (before ?? 1e9));
    const entries = after === undefined ? all.slice(-limit) : all.slice(0, limit);
    line.send({ type: "batch", ref, entries, more: entries.length < all.length });
  }
}
