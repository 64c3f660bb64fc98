import type { Counts } from "../log/counts.js";
import type { Answer, Command } from "../model/command.js";
import type { ConversationState } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Entry } from "../model/message.js";
import type { Offset } from "../ports/queue.js";
import type { DeviceStateKey, Versioned } from "../ports/storage.js";
import { conversationFrom } from "../ports/stored.js";
import { ByDevice } from "./by-device.js";
import { decide } from "./decide.js";
import { DeviceState } from "./device-state.js";
import { decodeDeviceState } from "./device-state-codec.js";

/**
 * A command at its place in the log. A class, as what a literal makes is put into the old space at once where V8 has
 * seen some of it live for a while, and of these there is one a message.
 */
export class LoggedCommand {
  constructor(
    readonly offset: Offset,
    readonly command: Command,
  ) {}
}

/** What a record came to. */
export interface Outcome extends LoggedCommand {
  /** Null only for a record that was done before and whose answer nobody can ask for any more. */
  readonly answer: Answer | null;
  /** The new entry, and whose mailboxes get it. Absent for a refusal, a repetition, and what was done before. */
  readonly placed: { readonly entry: Entry; readonly recipients: Iterable<UserId> } | null;
}

export interface PartitionOptions {
  readonly partition: number;
  /** Commands that a device may have unacknowledged. */
  readonly window: number;
  readonly maxMembers: number;
  /** Whether a flush lands whole or not at all, so that a replay never meets states from beyond its checkpoint. */
  readonly atomic: boolean;
  /** Conversations, and devices, that are held at most beyond those that can't be let go yet. */
  readonly cached: number;
  readonly counts: Counts;
}

/** What has to be loaded before some records can be applied. */
export interface Missing {
  readonly conversations: readonly Uuid[];
  readonly devices: readonly DeviceStateKey[];
}

interface Held<T> {
  state: T;
  /** The offset of the last record that touched it; what is beyond the checkpoint can't be let go. [R2 c] */
  touched: Offset;
}

interface HeldDevice extends Held<DeviceState> {
  readonly key: DeviceStateKey;
}

/**
 * What the owner of a partition of commands holds in memory, and the rules by which a record changes it. Does no I/O:
 * the same calls in the same order come out the same.
 */
export class Partition {
  private readonly conversations = new Map<Uuid, Held<ConversationState | null>>();
  private readonly devices = new ByDevice<HeldDevice>();
  /** Per conversation: who became a member (true) or is none any more (false) since the last flush was planned. */
  private membership = new Map<Uuid, Map<UserId, boolean>>();
  /** The same, of the flush that is under way. */
  private landing = new Map<Uuid, Map<UserId, boolean>>();

  constructor(
    private readonly options: PartitionOptions,
    /** Everything at or before this is in storage. */
    public checkpoint: Offset,
    /** The last record applied. */
    public applied: Offset = checkpoint,
  ) {}

  /** What these records need that isn't here; null where nothing. */
  missing(records: readonly LoggedCommand[]): Missing | null {
    let conversations: Set<Uuid> | null = null;
    let devices: ByDevice<DeviceStateKey> | null = null;
    for (const { command } of records) {
      if (!this.conversations.has(command.conversation)) {
        conversations ??= new Set();
        conversations.add(command.conversation);
      }
      const { sender, device } = command;
      if (this.devices.get(sender, device) === undefined) {
        devices ??= new ByDevice();
        devices.set(sender, device, { partition: this.options.partition, user: sender, device });
      }
    }
    if (conversations === null && devices === null) return null;
    return { conversations: [...(conversations ?? [])], devices: [...(devices?.values() ?? [])] };
  }

  /**
   * Takes in what was missing. A row from the future, which a record beyond `applied` made, is out of an old owner's
   * flush that landed late or in part. [R2 d]
   *
   * Where a flush can land in part that does no harm: a conversation's row was issued when those of devices had
   * landed, before this owner began, so what it counts as done is known there [R2 a, c]; and of what a device's row
   * knows, only earlier records count [R2 b].
   *
   * Where a flush lands whole, devices remember only what can be asked for behind it. Its checkpoint landed with the
   * row: answers false, since the log must be taken up again from there.
   */
  load(
    missing: Missing,
    conversations: readonly (Versioned | null)[],
    devices: readonly (Versioned | null)[],
  ): boolean {
    missing.conversations.forEach((id, i) => {
      const row = conversations[i] ?? null;
      const state = row === null ? null : conversationFrom(row.value, row.offset);
      this.conversations.set(id, { state, touched: this.checkpoint });
    });
    missing.devices.forEach((key, i) => {
      const row = devices[i] ?? null;
      const state = new DeviceState(this.options.window, row === null ? [] : decodeDeviceState(row.value));
      this.devices.set(key.user, key.device, { key, state, touched: this.checkpoint });
    });
    if (!this.options.atomic) return true;
    return [...conversations, ...devices].every((row) => row === null || row.offset <= this.applied);
  }

  /** A conversation as of the last record; undefined where it isn't held. */
  conversation(id: Uuid): ConversationState | null | undefined {
    return this.conversations.get(id)?.state;
  }

  /** Applies one record, whose states are held. */
  apply(record: LoggedCommand): Outcome {
    const { command, offset } = record;
    const conversation = this.conversations.get(command.conversation);
    const device = this.devices.get(command.sender, command.device);
    if (conversation === undefined || device === undefined) throw new Error("a state was not loaded");
    this.applied = offset;

    if (conversation.state !== null && offset <= conversation.state.offset) {
      // Wholly done before: everything that it made has landed, its answer with it. [R2 a]
      this.options.counts.redelivered++;
      const answer = device.state.answerAt(command.id, offset) ?? device.state.answerBefore(command.id, offset);
      return { command, offset, answer, placed: null };
    }
    const known = device.state.answerBefore(command.id, offset);
    if (known !== null) {
      this.options.counts.repeated++;
      return { command, offset, answer: known, placed: null };
    }

    const decision = decide(conversation.state, command, offset, this.options.maxMembers);
    const { atomic } = this.options;
    device.state.remember({ id: command.id, offset, answer: decision.answer }, atomic ? offset : this.checkpoint);
    device.touched = offset;
    if (decision.next === null) return { command, offset, answer: decision.answer, placed: null };

    this.noteMembership(conversation.state, decision.next);
    conversation.state = decision.next;
    conversation.touched = offset;
    return { command, offset, answer: decision.answer, placed: decision };
  }

  /** Records up to here are done with, those that were set aside too. */
  passed(offset: Offset): void {
    if (offset > this.applied) this.applied = offset;
  }

  /** Whether a user came into a conversation, or left one, and no flush with that has landed. */
  membershipUnwritten(user: UserId): boolean {
    for (const changes of [...this.membership.values(), ...this.landing.values()]) if (changes.has(user)) return true;
    return false;
  }

  private noteMembership(before: ConversationState | null, after: ConversationState): void {
    if (before?.members === after.members) return;
    const changes = this.membership.get(after.id) ?? new Map<UserId, boolean>();
    for (const user of before?.members.keys() ?? []) if (!after.members.has(user)) changes.set(user, false);
    for (const user of after.members.keys()) if (!before?.members.has(user)) changes.set(user, true);
    this.membership.set(after.id, changes);
  }

  /** The states that changed since the checkpoint, as a flush up to `applied` has to write them. */
  dirty(): {
    readonly conversations: readonly ConversationState[];
    readonly devices: readonly { readonly key: DeviceStateKey; readonly state: DeviceState }[];
    /** Per conversation: who became a member (true) or is none any more (false). */
    readonly membership: ReadonlyMap<Uuid, ReadonlyMap<UserId, boolean>>;
  } {
    const conversations: ConversationState[] = [];
    for (const { state, touched } of this.conversations.values()) {
      if (touched > this.checkpoint && state !== null) conversations.push(state);
    }
    const devices = [...this.devices.values()].filter(({ touched }) => touched > this.checkpoint);
    this.landing = this.membership;
    this.membership = new Map();
    return { conversations, devices, membership: this.landing };
  }

  /** A flush up to `offset` has landed whole. */
  landed(offset: Offset): void {
    this.checkpoint = offset;
    this.landing = new Map();
    this.letGo(offset);
  }

  /** Lets the longest-held states go until no more than wanted are left, but none that a record beyond `landed` touched. */
  private letGo(landed: Offset): void {
    const { conversations, devices } = this;
    const { cached } = this.options;
    for (const [id, { touched }] of conversations) {
      if (conversations.size <= cached) break;
      if (touched <= landed) conversations.delete(id);
    }
    for (const { key, touched } of devices.values()) {
      if (devices.size <= cached) break;
      if (touched <= landed) devices.delete(key.user, key.device);
    }
  }
}
