import { type ChatClient, createChatClient, memoryStore, type SocketConstructor } from "../../src/client/index.js";
import { newId } from "../../src/model/ids.js";
import { holds } from "../chaos/deadline.js";
import type { Said } from "./orders.js";

/** Entries that a store keeps: more than there are lines. */
const ALL = 1_000_000;
/** Entries that are asked for at once. */
const PAGE = 200;

/** One user with one device, whose application comes and goes over a store that stays. */
export class Member {
  private readonly store = memoryStore({ entries: ALL });
  private client: ChatClient | null = null;
  private work: Promise<void> = Promise.resolve();
  /** Conversation → what its application was told, in the order in which it was told. */
  private readonly heard = new Map<string, { readonly seqs: number[]; readonly lines: Said[] }>();

  constructor(
    readonly user: string,
    /** Dials another gateway each time. */
    private readonly webSocket: SocketConstructor,
    /** Told of what must not be. */
    private readonly violated: (text: string) => void,
  ) {}

  /** One thing after another, in the order in which they are asked for. */
  private next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.work.then(work);
    this.work = result.then(
      () => {},
      (error: unknown) => this.violated(`${this.user}: ${error}`),
    );
    return result;
  }

  async online(): Promise<void> {
    await this.next(async () => {
      if (this.client !== null) return;
      const { user, webSocket } = this;
      const random = (): number => Math.random() * 0.3;
      const client = createChatClient({ url: "ws://gateway/chat", token: user, store: this.store, webSocket, random });
      client.on("message", (message) => {
        const { conversation, own, seq, sender, text } = message;
        // What it has said itself it knows from the acknowledgement.
        if (own) return;
        const { seqs, lines } = this.of(conversation);
        if (seq === undefined || seq <= (seqs.at(-1) ?? 0)) {
          this.violated(`${user} was told seq ${seq} of ${conversation} after seq ${seqs.at(-1)}`);
          return;
        }
        seqs.push(seq);
        lines.push({ user: sender, text });
      });
      client.on("gap", () => this.violated(`${user} was told that messages are gone`));
      client.on("error", (error) => this.violated(`${user}: ${error}`));
      this.client = client;
      // A connection takes as long as it takes; what is sent meanwhile waits in the outbox.
      client.connect().catch((error: unknown) => {
        if (this.client === client) this.violated(`${user} can't connect: ${error}`);
      });
    });
  }

  async offline(): Promise<void> {
    await this.next(async () => {
      const { client } = this;
      this.client = null;
      await client?.close();
    });
  }

  private get app(): ChatClient {
    if (this.client === null) throw new Error(`${this.user} is offline`);
    return this.client;
  }

  private of(conversation: string) {
    const heard = this.heard.get(conversation) ?? { seqs: [], lines: [] };
    this.heard.set(conversation, heard);
    return heard;
  }

  /** Makes a group; resolves with its conversation. */
  async create(name: string, users: readonly string[]): Promise<string> {
    return this.next(async () => this.app.createGroup(name, users));
  }

  /** Says something; resolves when it is acknowledged. */
  async say(conversation: string, text: string): Promise<void> {
    const id = newId();
    const app = await this.next(async () => {
      const client = this.app;
      await client.send({ conversation }, text, { id });
      return client;
    });
    const { status, error } = await app.settled(id);
    if (status === "failed") throw new Error(`what ${this.user} said was refused: ${error}`);
  }

  /**
   * Waits until the application was told as many lines as others said, and compares what it was told with them, and
   * what its own store holds with all that was said. Answers how many lines were compared; throws where any differs.
   */
  async compare(conversation: string, transcript: readonly Said[], patience: number): Promise<number> {
    await this.work;
    const { lines } = this.of(conversation);
    const others = transcript.filter(({ user }) => user !== this.user);
    while (lines.length < others.length) {
      const before = lines.length;
      if (await holds(() => lines.length > before, patience)) continue;
      throw new Error(`${this.user} was told ${before} of ${others.length} lines, and no more come`);
    }
    this.match(lines, others, "was told");
    this.match(await this.history(conversation), transcript, "keeps");
    return transcript.length;
  }

  private match(lines: readonly Said[], transcript: readonly Said[], verb: string): void {
    transcript.forEach((said, i) => {
      const line = lines[i];
      if (line?.user === said.user && line.text === said.text) return;
      throw new Error(`line ${i + 1}: ${this.user} ${verb} ${JSON.stringify(line)}, said was ${JSON.stringify(said)}`);
    });
    if (lines.length === transcript.length) return;
    throw new Error(`${this.user} ${verb} ${lines.length} lines where ${transcript.length} were said`);
  }

  private async history(conversation: string): Promise<Said[]> {
    const lines: Said[] = [];
    for (let after = 0; ; ) {
      const { entries, more } = await this.app.history(conversation, { after, limit: PAGE });
      for (const entry of entries) if (entry.type === "message") lines.push({ user: entry.sender, text: entry.text });
      after = entries.at(-1)?.seq ?? after;
      if (!more || entries.length === 0) return lines;
    }
  }
}
