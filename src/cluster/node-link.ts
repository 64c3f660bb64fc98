import { ChatError, isChatError } from "../errors.js";
import type { NodeHandlers, NodeSession } from "../ports/connection-registry.js";
import { decodeFromNode, encodeForNode, type NodeMessage, type Question, type TopicMessage } from "./node-message.js";

/** How long (ms) a question waits for its answer before it is put again, and before it is given up. */
const AGAIN_MS = 2_000;
const GIVE_UP_MS = 10_000;
/** Questions that may wait for answers at a time. */
const MOST_QUESTIONS = 50_000;

/** Answers a question, or rejects with why not; undefined where this node isn't the one to answer. */
export type Answerer = (question: Question) => Promise<unknown> | undefined;

type Received = Exclude<NodeMessage, { kind: "reply" | "refusal" }>;

export interface NodeLinkEvents {
  received(message: Received): void;
  /** Something was published to a topic that this node watches without answering for it. */
  published(message: Exclude<TopicMessage, { kind: "ask" }>): void;
  /** Bytes from other nodes may have been lost. */
  lost(): void;
  failed(error: unknown): void;
}

interface Asked {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A node's talk with the others over the registry: messages to nodes, and questions to whoever owns a partition. */
export class NodeLink {
  readonly handlers: NodeHandlers = {
    message: (bytes) => this.contain(() => this.received(decodeFromNode<NodeMessage>(bytes))),
    topic: (topic, bytes) => this.contain(() => this.published(topic, decodeFromNode<TopicMessage>(bytes))),
    lost: () => this.events.lost(),
  };
  private readonly answerers = new Map<string, Answerer>();
  private readonly asked = new Map<number, Asked>();
  private nextId = 1;
  private session: NodeSession | null = null;

  constructor(
    readonly node: string,
    private readonly events: NodeLinkEvents,
  ) {}

  joined(session: NodeSession): void {
    this.session = session;
  }

  /** Tells a node something, at most once. What is for this node itself arrives when the turn has ended. */
  tell(node: string, message: Received): void {
    if (node === this.node) setImmediate(() => this.contain(() => this.events.received(message)));
    else this.send(node, message);
  }

  private send(node: string, message: NodeMessage): void {
    this.joinedSession()
      .send(node, encodeForNode(message))
      .catch((error: unknown) => this.events.failed(error));
  }

  /** Tells all nodes that watch a topic. */
  async spread(topic: string, message: TopicMessage): Promise<void> {
    await this.joinedSession().publish(topic, encodeForNode(message));
  }

  watch(topic: string): Promise<void> {
    return this.joinedSession().watch(topic);
  }

  /** From now on this node answers the questions that are put to a topic. */
  async answerFor(topic: string, answerer: Answerer): Promise<void> {
    this.answerers.set(topic, answerer);
    await this.joinedSession().watch(topic);
  }

  async answerNoMore(topic: string): Promise<void> {
    this.answerers.delete(topic);
    await this.joinedSession().unwatch(topic);
  }

  /**
   * Puts a question to whoever owns a partition, again and again until somebody answers. Rejects with
   * `store_unavailable` when nobody has for ten seconds, and with what the owner refuses it with.
   */
  async ask<T>(topic: string, question: Question): Promise<T> {
    if (this.asked.size >= MOST_QUESTIONS) throw new ChatError("overloaded", undefined, { limit: MOST_QUESTIONS });
    const id = this.nextId++;
    let again: NodeJS.Timeout | undefined;
    const answered = new Promise<unknown>((resolve, reject) => this.asked.set(id, { resolve, reject }));
    const giveUp = setTimeout(() => {
      this.asked.get(id)?.reject(new ChatError("store_unavailable", `Nobody answers for ${topic}.`));
    }, GIVE_UP_MS);
    const resolved = (value: unknown): void => this.asked.get(id)?.resolve(value);
    const put = (): void => {
      again = setTimeout(put, AGAIN_MS);
      const local = this.answerers.get(topic)?.(question);
      if (local !== undefined) this.answer(local, resolved, (error) => this.asked.get(id)?.reject(error));
      else this.spread(topic, { kind: "ask", id, node: this.node, question }).catch(this.events.failed);
    };
    try {
      put();
      return (await answered) as T;
    } finally {
      clearTimeout(again);
      clearTimeout(giveUp);
      this.asked.delete(id);
    }
  }

  private received(message: NodeMessage): void {
    if (message.kind === "reply") this.asked.get(message.id)?.resolve(message.value);
    else if (message.kind === "refusal") this.asked.get(message.id)?.reject(new ChatError(message.code));
    else this.events.received(message);
  }

  private published(topic: string, message: TopicMessage): void {
    if (message.kind !== "ask") {
      this.events.published(message);
      return;
    }
    const { node, id, question } = message;
    const answer = this.answerers.get(topic)?.(question);
    if (answer === undefined) return;
    this.answer(
      answer,
      (value) => this.send(node, { kind: "reply", id, value }),
      ({ code }) => this.send(node, { kind: "refusal", id, code }),
    );
  }

  /** What an owner couldn't find out it, or another, may a moment later, when the question is put again. */
  private answer(
    answer: Promise<unknown>,
    resolve: (value: unknown) => void,
    refuse: (error: ChatError) => void,
  ): void {
    answer.then(resolve).catch((error: unknown) => {
      if (isChatError(error) && !error.retryable && error.code !== "closed") refuse(error);
      else this.events.failed(error);
    });
  }

  /** What one message leads to disturbs no other. */
  private contain(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.events.failed(error);
    }
  }

  private joinedSession(): NodeSession {
    if (this.session === null) throw new ChatError("closed", "The node hasn't joined the registry.");
    return this.session;
  }

  close(): void {
    for (const { reject } of this.asked.values()) reject(new ChatError("closed"));
  }
}
