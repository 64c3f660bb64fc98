import { ChatError } from "../errors.js";
import type { Action, Command } from "../model/command.js";
import { CONTENT_TYPES, type ContentType, type Envelope, ROLES, type Role } from "../model/message.js";
import { MsgpackReader, MsgpackWriter } from "../protocol/msgpack.js";
import { RECENT_UUIDS } from "../protocol/recent-uuids.js";

// A command as a record of the log: an array whose first item is the version, whose second is the kind of action.

const VERSION = 1;
const KINDS = ["send", "create", "rename", "add", "remove", "leave", "role"] as const;

/** What the commands of one turn of the loop usually take. */
const TURN_BYTES = 256 * 1024;

/** Makes commands into records, in memory that is used again and again: a queue has copied them once it was called. */
export class CommandEncoder {
  private readonly writer = new MsgpackWriter(TURN_BYTES, undefined, RECENT_UUIDS);

  /** The bytes of a command, until `reuse`. */
  encode(command: Command): Uint8Array {
    this.writer.reset();
    writeCommand(this.writer, command);
    return this.writer.take();
  }

  /** Nobody looks any more at the records made so far. */
  reuse(): void {
    this.writer.rewind();
  }
}

function writeCommand(writer: MsgpackWriter, command: Command): void {
  const { action, origin } = command;
  writer.arrayHeader(11);
  writer.uint(VERSION);
  writer.uint(KINDS.indexOf(action.type));
  writer.uuid(command.conversation);
  writer.uuid(command.id);
  writer.text(command.sender);
  writer.uuid(command.device);
  writer.uint(command.timestamp);
  writer.text(origin.node);
  writer.uint(origin.connection);
  writer.uint(origin.ref);
  writer.bool(command.own_copy);
  writeAction(writer, action);
}

function writeAction(writer: MsgpackWriter, action: Action): void {
  switch (action.type) {
    case "send":
      writer.uint(CONTENT_TYPES.indexOf(action.content_type));
      writer.bin(action.content);
      if (action.to === undefined) writer.nil();
      else writer.text(action.to);
      writer.bool(action.silent ?? false);
      writeTexts(writer, action.mentions ?? []);
      writer.arrayHeader(action.envelopes?.length ?? 0);
      for (const [device, bytes] of action.envelopes ?? []) {
        writer.uuid(device);
        writer.bin(bytes);
      }
      return;
    case "create":
      writer.text(action.name);
      writeTexts(writer, action.users);
      return;
    case "rename":
      writer.text(action.name);
      return;
    case "add":
    case "remove":
      writeTexts(writer, action.users);
      return;
    case "leave":
      return;
    case "role":
      writer.text(action.user);
      writer.uint(ROLES.indexOf(action.role));
  }
}

function writeTexts(writer: MsgpackWriter, texts: readonly string[]): void {
  writer.arrayHeader(texts.length);
  for (const text of texts) writer.text(text);
}

/** The command of a record. Throws `corrupt` for bytes that are none. */
export function decodeCommand(bytes: Uint8Array): Command {
  try {
    const reader = new MsgpackReader(bytes, RECENT_UUIDS);
    reader.array();
    const version = uint(reader);
    if (version !== VERSION) throw new ChatError("corrupt", `A command of version ${version}; ${VERSION} is known.`);
    const kind = KINDS[uint(reader)];
    return {
      conversation: uuid(reader),
      id: uuid(reader),
      sender: text(reader),
      device: uuid(reader),
      timestamp: uint(reader),
      origin: { node: text(reader), connection: uint(reader), ref: uint(reader) },
      own_copy: reader.bool() ?? true,
      action: readAction(reader, kind),
    };
  } catch (cause) {
    throw cause instanceof ChatError && cause.code === "corrupt" ? cause : corrupt(cause);
  }
}

function readAction(reader: MsgpackReader, kind: (typeof KINDS)[number] | undefined): Action {
  switch (kind) {
    case "send": {
      const content_type = CONTENT_TYPES[uint(reader)] as ContentType;
      const content = bin(reader);
      const to = reader.nil() ? undefined : text(reader);
      const silent = reader.bool() ?? false;
      const mentions = texts(reader);
      const envelopes: Envelope[] = [];
      for (let left = reader.array() ?? 0; left > 0; left--) envelopes.push([uuid(reader), bin(reader)]);
      return {
        type: "send",
        content_type,
        content,
        ...(to !== undefined && { to }),
        ...(silent && { silent }),
        ...(mentions.length > 0 && { mentions }),
        ...(envelopes.length > 0 && { envelopes }),
      };
    }
    case "create":
      return { type: "create", name: text(reader), users: texts(reader) };
    case "rename":
      return { type: "rename", name: text(reader) };
    case "add":
    case "remove":
      return { type: kind, users: texts(reader) };
    case "leave":
      return { type: "leave" };
    case "role":
      return { type: "role", user: text(reader), role: ROLES[uint(reader)] as Role };
    case undefined:
      throw corrupt();
  }
}

function corrupt(cause?: unknown): ChatError {
  return new ChatError("corrupt", "A record of the log is not a command.", { cause });
}

function uint(reader: MsgpackReader): number {
  const value = reader.uint();
  if (value === null) throw corrupt();
  return value;
}

function text(reader: MsgpackReader): string {
  const length = reader.textLength();
  if (length === null) throw corrupt();
  return reader.takeText(length);
}

function texts(reader: MsgpackReader): string[] {
  const values: string[] = [];
  for (let left = reader.array() ?? 0; left > 0; left--) values.push(text(reader));
  return values;
}

function uuid(reader: MsgpackReader): string {
  if (reader.bytesLength() !== 16) throw corrupt();
  return reader.takeUuid();
}

function bin(reader: MsgpackReader): Uint8Array {
  const length = reader.bytesLength();
  if (length === null) throw corrupt();
  return reader.takeBytes(length);
}
