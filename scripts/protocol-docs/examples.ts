import { directConversation } from "../../src/model/ids.js";
import { DEFAULT_LIMITS } from "../../src/model/limits.js";
import {
  type ClientFrame,
  clientCodec,
  JSON_TEXT,
  MSGPACK,
  type ServerFrame,
  serverCodec,
} from "../../src/protocol/index.js";

const ALICE_PHONE = "019ab2c4-5d6e-7f80-9a1b-2c3d4e5f6071";
const BOB_LAPTOP = "019ab2c4-70a1-7b2c-8d3e-4f5061728394";
const HI = "019ab2c5-0102-7304-8506-0708090a0b0c";
const HELLO_YOU = "019ab2c5-1112-7314-9516-1718191a1b1c";
const TALK = directConversation("alice", "bob");
const utf8 = (text: string) => new TextEncoder().encode(text);

type Step = { readonly says: string } & (
  | { readonly from: "client"; readonly frame: ClientFrame }
  | { readonly from: "server"; readonly frame: ServerFrame }
);

const STEPS: readonly Step[] = [
  {
    says: "Alice's phone says hello. It has been here before.",
    from: "client",
    frame: { type: "hello", token: "alice", device: { id: ALICE_PHONE, name: "phone" }, position: 1764043200000000 },
  },
  {
    says: "The server lets it in.",
    from: "server",
    frame: {
      type: "welcome",
      user: "alice",
      device: ALICE_PHONE,
      connection: "n1/7",
      timestamp: 1764043260000,
      gap: false,
      limits: DEFAULT_LIMITS,
    },
  },
  {
    says: "It missed nothing: from here on it is live.",
    from: "server",
    frame: { type: "synced", position: 1764043200000000 },
  },
  {
    says: 'She writes "hi" to bob.',
    from: "client",
    frame: { type: "send", ref: 1, id: HI, user: "bob", content_type: "text", content: utf8("hi") },
  },
  {
    says: "It is stored, as the first entry of a new conversation. Her device's position moves on.",
    from: "server",
    frame: {
      type: "ack",
      ref: 1,
      id: HI,
      conversation: TALK,
      seq: 1,
      timestamp: 1764043261250,
      position: 1764043261250017,
    },
  },
  {
    says: "Bob has it, and has read it: two ticks.",
    from: "server",
    frame: { type: "receipt", watermarks: [{ conversation: TALK, user: "bob", delivered: 1, read: 1 }] },
  },
  {
    says: "Bob answers.",
    from: "server",
    frame: {
      type: "message",
      conversation: TALK,
      seq: 2,
      id: HELLO_YOU,
      sender: "bob",
      sender_device: BOB_LAPTOP,
      timestamp: 1764043263000,
      position: 1764043263000044,
      to: "alice",
      content_type: "text",
      content: utf8("hello, you"),
    },
  },
  {
    says: "She has it and has read it. Nothing answers this.",
    from: "client",
    frame: { type: "receipt", position: 1764043263000044, delivered: [[TALK, 2]], read: [[TALK, 2]] },
  },
  {
    says: "Something that can't be: a group without a name.",
    from: "server",
    frame: {
      type: "error",
      ref: 2,
      code: "invalid",
      message: "name: too short",
      field: "name",
      limit: 1,
    },
  },
];

/** A short conversation, each frame in both forms. */
export function examples(): string {
  return STEPS.map((step) => {
    const encode = (name: typeof MSGPACK | typeof JSON_TEXT): string | Uint8Array =>
      step.from === "client" ? clientCodec(name).encode(step.frame) : serverCodec(name).encode(step.frame);
    const json = JSON.stringify(JSON.parse(encode(JSON_TEXT) as string), null, 1).replaceAll(/\n\s*/g, " ");
    const bytes = Buffer.from(encode(MSGPACK) as Uint8Array).toString("hex");
    return [
      `${step.says} The ${step.from} sends:`,
      "```json",
      ...wrapped(json, 110, "  "),
      "```",
      "```text",
      ...(bytes.match(/.{1,96}/g) ?? []).map((line) => line.replaceAll(/(.{8})(?=.)/g, "$1 ")),
      "```",
    ].join("\n");
  }).join("\n\n");
}

/** Lines of at most `width` characters, broken behind commas. */
function wrapped(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const part of text.split(/(?<=,) /)) {
    if (line !== "" && line.length + part.length + 1 > width) {
      lines.push(line);
      line = indent + part;
    } else line = line === "" ? part : `${line} ${part}`;
  }
  return [...lines, line];
}
