import { Packr } from "msgpackr";
import { ChatError } from "../errors.js";
import type { ConversationKind, ConversationState, Member } from "../model/conversation.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Entry } from "../model/message.js";

// What the values in storage mean. Every value is an array whose first item is the version of its form, so that a
// later program can tell what it reads; adapters see bytes.

const VERSION = 1;
const packr = new Packr({ useRecords: false, variableMapSize: true });

function pack(form: unknown[]): Uint8Array {
  return packr.pack([VERSION, ...form]);
}

function unpack(value: Uint8Array, what: string): unknown[] {
  let form: unknown;
  try {
    form = packr.unpack(value);
  } catch (cause) {
    throw new ChatError("corrupt", `A stored ${what} can't be read.`, { cause });
  }
  if (!Array.isArray(form) || form[0] !== VERSION) {
    const found = Array.isArray(form) ? String(form[0]) : "none";
    throw new ChatError("corrupt", `A stored ${what} of version ${found}; ${VERSION} is known.`);
  }
  return form.slice(1);
}

export function entryValue(entry: Entry): Uint8Array {
  return pack([entry]);
}

export function entryFrom(value: Uint8Array): Entry {
  return unpack(value, "entry")[0] as Entry;
}

export function conversationValue(state: ConversationState): Uint8Array {
  const members = [...state.members].map(([user, { role, joined }]) => [user, role, joined]);
  return pack([state.id, state.kind, state.name, state.head, state.timestamp, state.version, members]);
}

export function conversationFrom(value: Uint8Array, offset: number): ConversationState {
  const [id, kind, name, head, timestamp, version, members] = unpack(value, "conversation") as [
    Uuid,
    ConversationKind,
    string,
    number,
    number,
    number,
    [UserId, Member["role"], number][],
  ];
  return {
    id,
    kind,
    name,
    head,
    timestamp,
    version,
    offset,
    members: new Map(members.map(([user, role, joined]) => [user, { role, joined }])),
  };
}

/** What a device says of itself at hello. */
export interface DeviceInfo {
  readonly name?: string;
  readonly platform?: string;
}

export function deviceInfoValue(info: DeviceInfo): Uint8Array {
  return pack([info]);
}
