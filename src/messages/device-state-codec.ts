import { ChatError } from "../errors.js";
import type { Answer, RefusalCode } from "../model/command.js";
import { MsgpackReader, MsgpackWriter } from "../protocol/msgpack.js";
import { RECENT_UUIDS } from "../protocol/recent-uuids.js";
import type { KnownCommand } from "./device-state.js";

// What is stored of a device's state: an array of the version and the commands, oldest first. Every flush writes one
// for each device that was active, so it is made by hand: a sixth of the time and half the bytes of a general codec.
//   done:    [id, offset, seq, timestamp]
//   refused: [id, offset, code, field or nil, limit or nil]

const VERSION = 1;
const DONE = 4;
const REFUSED = 5;

const writer = new MsgpackWriter(undefined, undefined, RECENT_UUIDS);

/** The bytes of the commands that a device is known to have given. */
export function encodeDeviceState(known: readonly KnownCommand[]): Uint8Array {
  writer.reset();
  writer.arrayHeader(known.length + 1);
  writer.uint(VERSION);
  for (const { id, offset, answer } of known) {
    writer.arrayHeader(answer.ok ? DONE : REFUSED);
    writer.uuid(id);
    writer.uint(offset);
    if (answer.ok) {
      writer.uint(answer.seq);
      writer.uint(answer.timestamp);
    } else {
      const { code, field, limit } = answer;
      writer.text(code);
      if (field === undefined) writer.nil();
      else writer.text(field);
      if (limit === undefined) writer.nil();
      else writer.uint(limit);
    }
  }
  return writer.take();
}

/** The commands again. Throws `corrupt` for bytes that are something else. */
export function decodeDeviceState(bytes: Uint8Array): KnownCommand[] {
  try {
    const reader = new MsgpackReader(bytes, RECENT_UUIDS);
    const items = reader.array() ?? 0;
    const version = uint(reader);
    if (version !== VERSION) throw corrupt(`A device's state of version ${version}; ${VERSION} is known.`);
    const known: KnownCommand[] = [];
    for (let left = items - 1; left > 0; left--) known.push(command(reader));
    return known;
  } catch (cause) {
    throw cause instanceof ChatError && cause.code === "corrupt" ? cause : corrupt(undefined, cause);
  }
}

function command(reader: MsgpackReader): KnownCommand {
  const form = reader.array();
  if (reader.bytesLength() !== 16) throw corrupt();
  const id = reader.takeUuid();
  const offset = uint(reader);
  if (form === DONE) return { id, offset, answer: { ok: true, seq: uint(reader), timestamp: uint(reader) } };
  if (form !== REFUSED) throw corrupt();
  return { id, offset, answer: refusal(reader) };
}

function refusal(reader: MsgpackReader): Answer {
  const code = text(reader) as RefusalCode;
  const field = reader.nil() ? undefined : text(reader);
  const limit = reader.nil() ? undefined : uint(reader);
  return { ok: false, code, ...(field !== undefined && { field }), ...(limit !== undefined && { limit }) };
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

function corrupt(message = "A stored device's state can't be read.", cause?: unknown): ChatError {
  return new ChatError("corrupt", message, { cause });
}
