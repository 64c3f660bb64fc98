import fc from "fast-check";
import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { FRAMES_PER_MESSAGE, MESSAGE_BYTES } from "../../src/protocol/bounds.js";
import { clientCodec, JSON_TEXT, MSGPACK, SUB_PROTOCOLS, type SubProtocol } from "../../src/protocol/codec.js";
import type { ClientFrame } from "../../src/protocol/frames.js";
import { until } from "../../src/testing/until.js";
import { anyFrame } from "../property/frame-values.js";
import { written } from "../property/wire-form.js";
import { type House, openHouse } from "./support/house.js";
import type { WireClient } from "./support/wire-client.js";

// What a client with an account can send. Each gets the documented answer, and nobody else notices.

type Bytes = Uint8Array | string;

let lastRef = 2 ** 50;

/** What a client that is let in gets for some bytes: the code of an `error`, or of the close; "ok" where neither came. */
async function answerTo(client: WireClient, bytes: Bytes): Promise<string | number> {
  const from = client.frames.length;
  const ref = ++lastRef;
  client.socket.send(bytes);
  // Answered behind whatever the bytes come to.
  client.send({ type: "receipts", ref, conversations: [] });
  const seen = () => client.frames.slice(from);
  await until("an answer", () => client.ended !== null || seen().some((frame) => "ref" in frame && frame.ref === ref));
  const error = seen().find((frame) => frame.type === "error");
  return client.ended?.code ?? (error?.type === "error" ? error.code : "ok");
}

/** Others go on talking as if nothing was. */
async function stillServes(house: House): Promise<void> {
  const [alice, bob] = [await house.client("alice"), await house.client("bob")];
  const text = `still here ${newId()}`;
  await alice.say({ user: "bob" }, text);
  await bob.gets(text);
  expect(house.errors).toEqual([]);
}

/** All that a frame may come to, by the protocol's page. */
const DOCUMENTED = [
  "ok",
  "unknown_type",
  "invalid",
  "too_large",
  "already_greeted",
  "not_found",
  "not_member",
  "forbidden",
  "already_exists",
  "group_full",
  "not_kept",
  "rate_limited",
  "malformed",
  "token_refused",
  4400,
  4401,
];

const whole = (name: SubProtocol, frame: ClientFrame) => clientCodec(name).encode(frame);
const ping = { type: "ping" } as const;
const send = {
  type: "send",
  ref: 7_000,
  id: newId(),
  user: "bob",
  content_type: "text",
  content: new Uint8Array(10),
} as const;

describe.each(SUB_PROTOCOLS)("over %s", (name) => {
  const mallory = async (house: House) => house.client("mallory", { subProtocol: name });

  it("frames by chance are answered or carried out, whatever they are", async () => {
    const house = await openHouse({ rate: { per_second: 1e6, burst: 1_000_000 } });
    let client = await mallory(house);
    await fc.assert(
      fc.asyncProperty(anyFrame("client"), async (frame) => {
        if (client.ended !== null) client = await mallory(house);
        expect(DOCUMENTED).toContain(await answerTo(client, whole(name, frame as unknown as ClientFrame)));
      }),
      { numRuns: 300 },
    );
    await stillServes(house);
  });

  it("frames with bits turned are refused or carried out", async () => {
    const house = await openHouse({ rate: { per_second: 1e6, burst: 1_000_000 } });
    const codes = new Set<string | number>();
    let client = await mallory(house);
    await fc.assert(
      fc.asyncProperty(anyFrame("client"), fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), async (frame, flips) => {
        if (client.ended !== null) client = await mallory(house);
        const bytes = Buffer.from(whole(name, frame as unknown as ClientFrame) as string);
        for (const flip of flips) {
          const at = flip % (bytes.length * 8);
          bytes[at >> 3] = (bytes[at >> 3] as number) ^ (1 << (at & 7));
        }
        codes.add(await answerTo(client, name === JSON_TEXT && flips.length % 2 === 0 ? bytes.toString() : bytes));
      }),
      { numRuns: 300 },
    );
    expect(codes).toContain(4400);
    expect(codes).toContain("unknown_type");
    for (const code of codes) expect(DOCUMENTED).toContain(code);
    await stillServes(house);
  });

  it("a frame cut short closes with 4400", async () => {
    const house = await openHouse();
    const message = whole(name, send);
    for (const length of [0, 1, 2, 7, message.length >> 1, message.length - 1]) {
      expect(await answerTo(await mallory(house), message.slice(0, length))).toBe(4400);
    }
    await stillServes(house);
  });

  it("a frame past the limit is an error, again and again, and the connection stays", async () => {
    const house = await openHouse();
    const client = await mallory(house);
    const large = written(name, { ...send, more: "x".repeat(300_000) });
    for (let i = 0; i < 20; i++) expect(await answerTo(client, large)).toBe("too_large");
    const content = written(name, { ...send, content: new Uint8Array(65_537) });
    expect(await answerTo(client, content)).toBe("too_large");
    const refused = client.all("error").at(-1);
    expect(refused).toMatchObject({ ref: 7_000, field: "content", limit: 65_536 });
    expect(await client.say({ user: "bob" }, "after it")).toMatchObject({ seq: 1 });
    await stillServes(house);
  });

  it("a message far past the limit closes with 1009", async () => {
    const house = await openHouse();
    expect(await answerTo(await mallory(house), written(name, { ...send, more: "x".repeat(MESSAGE_BYTES) }))).toBe(
      1009,
    );
    await stillServes(house);
  });

  it("nesting without end closes with 4400", async () => {
    const house = await openHouse();
    for (const levels of [100, 100_000]) {
      const deep = name === JSON_TEXT ? "[".repeat(levels) : Buffer.alloc(levels, 0x91);
      expect(await answerTo(await mallory(house), deep)).toBe(4400);
      const inside =
        name === JSON_TEXT
          ? `{"type":"ping","x":${"[".repeat(levels)}${"]".repeat(levels)}}`
          : Buffer.concat([
              (written(MSGPACK, { type: "ping", x: 0 }) as Buffer).subarray(0, -1),
              Buffer.alloc(levels, 0x91),
              Buffer.of(0),
            ]);
      expect(await answerTo(await mallory(house), inside)).toBe(4400);
    }
    await stillServes(house);
  });

  it("more frames in a message than there may be close with 4400, as many as there may be are answered", async () => {
    const house = await openHouse();
    const client = await mallory(house);
    expect(await answerTo(client, written(name, new Array(FRAMES_PER_MESSAGE).fill(ping)))).toBe("ok");
    await client.until("all answers", () => client.all("pong").length >= FRAMES_PER_MESSAGE);
    expect(await answerTo(client, written(name, new Array(FRAMES_PER_MESSAGE + 1).fill(ping)))).toBe(4400);
    const crowd = new Array(100_000).fill(name === JSON_TEXT ? 0 : 1);
    expect(await answerTo(await mallory(house), written(name, crowd))).toBe(4400);
    await stillServes(house);
  });

  it("values of another kind are refused, and name the field", async () => {
    const house = await openHouse();
    const client = await mallory(house);
    for (const [field, values] of Object.entries({
      id: ["abc", 1, null, [], {}, true],
      user: [1, true, [], {}, "", "a\u0000b", "x".repeat(129)],
      content_type: ["nothing", 0, null],
      content: [1, null, {}, []],
      mentions: [1, "bob", [1], new Array(100).fill("x")],
      envelopes: [1, [1], [[]], [[1, 2, 3]]],
    })) {
      for (const value of values) {
        const from = client.frames.length;
        client.socket.send(written(name, { ...send, [field]: value }));
        const error = await client.next("error", () => true, from);
        expect(error).toMatchObject({ ref: 7_000, field, code: expect.stringMatching(/^(invalid|too_large)$/) });
      }
    }
    expect(client.ended).toBeNull();
    await stillServes(house);
  });

  it("hello a second time is an error and nothing else", async () => {
    const house = await openHouse();
    const client = await mallory(house);
    const hello = { type: "hello", token: "alice", device: { id: newId() } } as const;
    expect(await answerTo(client, whole(name, hello))).toBe("already_greeted");
    expect(await answerTo(client, written(name, [hello, hello]))).toBe("already_greeted");
    expect(house.server.connections("alice")).toEqual([]);
    expect(await client.say({ user: "bob" }, "from mallory")).toMatchObject({ seq: 1 });
    await stillServes(house);
  });

  it("two hellos at once are one", async () => {
    const house = await openHouse();
    const client = await house.socket({ subProtocol: name });
    const hello = (user: string) => ({ type: "hello", token: user, device: { id: newId() } });
    client.socket.send(written(name, [hello("mallory"), hello("alice"), ping]));
    await client.next("pong");
    expect(client.all("welcome")).toMatchObject([{ user: "mallory" }]);
    expect(client.all("error")).toMatchObject([{ code: "already_greeted" }]);
    await stillServes(house);
  });

  it("1,000 identical sends at once are one message with 1,000 equal answers", async () => {
    const house = await openHouse({ rate: { per_second: 1e6, burst: 1_000_000 } });
    const clients = await Promise.all(Array.from({ length: 4 }, () => house.client("alice", { subProtocol: name })));
    const [first] = clients as [WireClient, ...WireClient[]];
    const bob = await house.client("bob");
    const request = first.message({ user: "bob" }, "once");
    const acks = await Promise.all(Array.from({ length: 1_000 }, () => first.expect("ack", request)));
    expect(
      new Set(acks.map(({ seq, timestamp, id, conversation }) => `${seq} ${timestamp} ${id} ${conversation}`)).size,
    ).toBe(1);
    await first.say({ user: "bob" }, "next");
    await bob.gets("next");
    expect(bob.texts).toEqual(["once", "next"]);
  });
});

it("text where bytes are spoken closes with 4400, bytes where text is spoken are read as text", async () => {
  const house = await openHouse();
  expect(await answerTo(await house.client("mallory", { subProtocol: MSGPACK }), '{"type":"ping"}')).toBe(4400);
  expect(
    await answerTo(await house.client("mallory", { subProtocol: JSON_TEXT }), Buffer.from('{"type":"ping"}')),
  ).toBe("ok");
  expect(await answerTo(await house.client("mallory", { subProtocol: JSON_TEXT }), Buffer.of(0xff, 0xfe))).toBe(4400);
  await stillServes(house);
});
