import { z } from "zod";
import { ChatError, isChatError } from "../errors.js";
import type { Action, Command } from "../model/command.js";
import { directConversation, newId, type UserId, type Uuid } from "../model/ids.js";
import type { ContentType } from "../model/message.js";
import { NAME_BYTES } from "../protocol/frames.js";
import type { Gateway } from "./gateway.js";
import { bytes, contentType, parse, plainText, userId, uuid } from "./given-by-host.js";
import { keepBytes } from "./keep-bytes.js";

/** A message that the host sends as some user. */
export interface MessageOfHost {
  readonly from: UserId;
  readonly to: { readonly user: UserId } | { readonly conversation: Uuid };
  /** Text is sent as UTF-8. */
  readonly content: string | Uint8Array;
  /** Default text. */
  readonly content_type?: ContentType;
  readonly silent?: boolean;
  readonly mentions?: readonly UserId[];
  /** Give it to be able to repeat the call without sending twice. Default: a new one. */
  readonly id?: Uuid;
}

export interface GroupOfHost {
  readonly owner: UserId;
  readonly name: string;
  /** The other members. */
  readonly users: readonly UserId[];
  /** The group's id. Default: that of the call. */
  readonly conversation?: Uuid;
  /** Give it to be able to repeat the call without making two groups. Default: a new one. */
  readonly id?: Uuid;
}

/** Where a command got its place. */
export interface Placed {
  readonly id: Uuid;
  readonly conversation: Uuid;
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** The device that host commands come from, for every user. */
export const HOST_DEVICE: Uuid = "00000000-0000-0000-0000-000000000000";
const ANSWER_MS = 30_000;

const messageSchema = z.strictObject({
  from: userId,
  to: z.union([z.strictObject({ user: userId }), z.strictObject({ conversation: uuid })]),
  content: z.union([z.string(), bytes]),
  content_type: contentType.default("text"),
  silent: z.boolean().optional(),
  mentions: z.array(userId).max(99).optional(),
  id: uuid.optional(),
});

const groupSchema = z.strictObject({
  owner: userId,
  name: plainText(NAME_BYTES),
  users: z.array(userId),
  conversation: uuid.optional(),
  id: uuid.optional(),
});

type Given = Pick<Command, "conversation" | "id" | "sender" | "action">;

/** Commands of the host's own code: past hooks and rates, through the same log. */
export class HostCommands {
  /** Each user's last command that isn't published yet: those behind it don't overtake it. [R4] */
  private readonly unpublished = new Map<UserId, Promise<void>>();

  constructor(private readonly gateway: Gateway) {}

  async send(message: MessageOfHost): Promise<Placed> {
    const { from, to, content, content_type, silent, mentions, id = newId() } = parse(messageSchema, message);
    const kept = typeof content === "string" ? Buffer.from(content) : keepBytes(content);
    const limit = this.gateway.services.limits.content;
    if (kept.length > limit) {
      throw new ChatError("too_large", `content: at most ${limit} bytes`, { field: "content", limit });
    }
    const direct = "user" in to;
    return this.give(from, direct ? directConversation(from, to.user) : to.conversation, id, {
      type: "send",
      content_type,
      content: kept,
      ...(direct && { to: to.user }),
      ...(silent !== undefined && { silent }),
      ...(mentions !== undefined && { mentions }),
    });
  }

  async createGroup(group: GroupOfHost): Promise<Placed> {
    const { owner, name, users, id = newId(), conversation = id } = parse(groupSchema, group);
    return this.give(owner, conversation, id, { type: "create", name, users });
  }

  private async give(sender: UserId, conversation: Uuid, id: Uuid, action: Action): Promise<Placed> {
    const { ref, answer } = this.gateway.hostCalls.open(ANSWER_MS);
    const turn = this.publish(ref, { conversation, id, sender, action }, this.unpublished.get(sender));
    this.unpublished.set(sender, turn);
    void turn.then(() => {
      if (this.unpublished.get(sender) === turn) this.unpublished.delete(sender);
    });
    const { seq, timestamp } = await answer;
    return { id, conversation, seq, timestamp };
  }

  /** Publishes a command after the one before it, if its call still waits by then. */
  private async publish(ref: number, given: Given, before: Promise<void> | undefined): Promise<void> {
    const { services, hostCalls, publisher } = this.gateway;
    try {
      const [devices] = await Promise.all([services.devices(given.sender), before]);
      if (!hostCalls.waits(ref)) return;
      publisher.add({
        ...given,
        device: HOST_DEVICE,
        timestamp: services.now(),
        origin: { node: services.node, connection: 0, ref },
        own_copy: devices.length > 0,
      });
      services.probe("command.accepted");
    } catch (cause) {
      hostCalls.fail(ref, isChatError(cause) ? cause : new ChatError("store_unavailable", undefined, { cause }));
    }
  }
}
