import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JSON_TEXT, MSGPACK } from "../../src/protocol/codec.js";
import { ALL_ENDS, ends, outcome } from "./both-codecs.js";
import { anyFrame, EVERY_FRAME, FRAMES, frameOf } from "./frame-values.js";
import { written } from "./wire-form.js";

// Whatever the bytes are, a codec answers with frames or with errors of its own, and asks for no more memory than the
// bytes themselves take.

const server = ends("client", MSGPACK);
const serverJson = ends("client", JSON_TEXT);
const malformed = expect.objectContaining({ code: "malformed" });

/** Random numbers from a seed: the same again for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Runs a check with 100 seeds; each makes 1,000 attempts of its own. */
function seeded(attempt: (next: (below: number) => number) => void): void {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const next = random(seed);
      for (let i = 0; i < 1_000; i++) attempt(next);
    }),
    { numRuns: 100 },
  );
}

describe("bytes by chance", () => {
  test("100,000 messages of random bytes", () => {
    seeded((next) => {
      const bytes = Buffer.from(Array.from({ length: next(40) }, () => next(256)));
      outcome(server, bytes);
      outcome(serverJson, bytes);
    });
  });

  test("100,000 messages of random MessagePack headers", () => {
    const headers = [
      0x80,
      0x81,
      0x82,
      0x8f,
      0x90,
      0x91,
      0x9f,
      0xa0,
      0xa4,
      0xbf,
      ...Array.from({ length: 32 }, (_, i) => 0xc0 + i),
    ];
    const keys = ["type", "ref", "ping", "send", "content", "user"].map((key) =>
      Buffer.from([0xa0 | key.length, ...Buffer.from(key)]),
    );
    seeded((next) => {
      const parts = Array.from({ length: next(12) }, () => {
        const kind = next(4);
        if (kind === 0) return keys[next(keys.length)] as Buffer;
        return Buffer.of(kind === 1 ? next(256) : (headers[next(headers.length)] as number));
      });
      outcome(server, Buffer.concat([Buffer.of(0x82), ...parts]));
    });
  });

  test("100,000 messages of random JSON tokens", () => {
    const tokens = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      "\\u",
      '"type"',
      '"ping"',
      '"send"',
      '"ref"',
      "1",
      "-",
      "e9",
      "null",
      "true",
      " ",
      "\u0000",
      "é",
      "\ud800",
      '"__proto__"',
    ];
    seeded((next) => {
      outcome(serverJson, Array.from({ length: next(16) }, () => tokens[next(tokens.length)]).join(""));
    });
  });
});

describe.each(ALL_ENDS)("frames of the $side in $name", ({ side, name, encode, decode }) => {
  test("cut short anywhere, they are malformed", () => {
    for (const [type, doc] of Object.entries(FRAMES[side])) {
      const [frame] = fc.sample(frameOf(type, doc), { numRuns: 1, seed: 5 });
      const message = encode(frame as { type: string });
      for (let length = 0; length < message.length; length++) {
        expect(() => decode(message.slice(0, length)), `${type} cut at ${length}`).toThrow(malformed);
      }
    }
  });

  test("with bytes behind them, they are malformed", () => {
    const message = encode(fc.sample(anyFrame(side), { numRuns: 1, seed: 5 })[0] as { type: string });
    const more = typeof message === "string" ? `${message}0` : Buffer.concat([message, Buffer.of(0)]);
    expect(() => decode(more)).toThrow(malformed);
  });

  test("with bits turned, they are frames or errors", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyFrame(side), fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (frame, flips) => {
        const bytes = Buffer.from(encode(frame) as string);
        for (const flip of flips) {
          const at = flip % (bytes.length * 8);
          bytes[at >> 3] = (bytes[at >> 3] as number) ^ (1 << (at & 7));
          seen.add(outcome({ decode }, bytes));
        }
      }),
      { numRuns: 500 },
    );
    for (const code of seen) expect(["ok", "malformed", "invalid", "too_large", "unknown_type"]).toContain(code);
    // Some of each, or the test tells nothing.
    expect(seen.size).toBeGreaterThanOrEqual(3);
    expect(name).toBeTypeOf("string");
  });
});

describe("lengths that lie", () => {
  const HUGE = [0xff, 0xff, 0xff, 0xff];
  const claims: Record<string, number[]> = {
    map: [0xdf, ...HUGE],
    array: [0xdd, ...HUGE],
    text: [0xdb, ...HUGE],
    bytes: [0xc6, ...HUGE],
    extension: [0xc9, ...HUGE, 1],
    "map of 65,535": [0xde, 0xff, 0xff],
    "array of 65,535": [0xdc, 0xff, 0xff],
  };
  const pingWith = (value: number[]) =>
    Buffer.concat([written(MSGPACK, { type: "ping", x: 0 }) as Buffer, Buffer.from(value)]);
  const messages = Object.entries(claims).flatMap(([what, claim]) => {
    const asField = pingWith(claim);
    // The claim takes the place of the 0 that was written.
    return [
      [`a message that says it is a ${what}`, Buffer.from(claim)] as const,
      [
        `a field that says it is a ${what}`,
        Buffer.concat([asField.subarray(0, asField.length - claim.length - 1), Buffer.from(claim)]),
      ] as const,
    ];
  });

  test.each(messages)("%s is malformed and takes no memory", (_, bytes) => {
    const before = process.memoryUsage();
    for (let i = 0; i < 1_000; i++) expect(outcome(server, bytes)).toBe("malformed");
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(64 << 20);
  });

  test("a list longer than its bound is refused before an item is read", () => {
    const count = 200_000;
    const start = written(MSGPACK, { type: "group.add", users: 0 }) as Buffer;
    const list = Buffer.concat([Buffer.of(0xdd, 0, 3, 0x0d, 0x40), Buffer.alloc(count, 0xc1)]);
    const [decoded] = server.decode(
      Buffer.concat([start.subarray(0, -1), Buffer.of(0xdc, 0, 100), Buffer.alloc(100, 0xc0)]),
    );
    expect(decoded?.error).toMatchObject({ code: "too_large", field: "users", limit: 99 });
    // 0xc1 is no MessagePack at all: whoever looked at the items would say so.
    expect(outcome(server, Buffer.concat([start.subarray(0, -1), list]))).toBe("malformed");
  });
});

describe("nesting", () => {
  const deep = (levels: number) => ({
    msgpack: Buffer.concat([
      (written(MSGPACK, { type: "ping", x: 0 }) as Buffer).subarray(0, -1),
      Buffer.alloc(levels, 0x91),
      Buffer.of(0),
    ]),
    json: `{"type":"ping","x":${"[".repeat(levels)}0${"]".repeat(levels)}}`,
  });

  test("of some levels is passed over, of more than 16 it is malformed, of 100,000 too", () => {
    const { msgpack, json } = deep(8);
    expect(server.decode(msgpack)).toEqual([{ frame: { type: "ping" } }]);
    expect(serverJson.decode(json)).toEqual([{ frame: { type: "ping" } }]);
    for (const levels of [20, 100_000]) {
      const deeper = deep(levels);
      expect(outcome(server, deeper.msgpack)).toBe("malformed");
      expect(outcome(serverJson, deeper.json)).toBe("malformed");
      expect(outcome(server, Buffer.alloc(levels, 0x91))).toBe("malformed");
      expect(outcome(serverJson, "[".repeat(levels))).toBe("malformed");
      expect(outcome(serverJson, '{"a":'.repeat(levels))).toBe("malformed");
    }
  });

  test("a message crowded with values is malformed before it is built", () => {
    expect(outcome(serverJson, `{"type":"ping","x":[${"0,".repeat(300_000)}0]}`)).toBe("malformed");
    expect(outcome(serverJson, `{"type":"ping","x":"${",[{".repeat(300_000)}"}`)).toBe("ok");
  });
});

describe("text that is none", () => {
  const rename = (name: number[]) =>
    Buffer.concat([
      (
        written(MSGPACK, { type: "hello", device: { id: "0190a0b0-1234-7abc-8def-0123456789ab" }, token: 0 }) as Buffer
      ).subarray(0, -1),
      Buffer.of(0xd9, name.length, ...name),
    ]);

  test.each([
    ["a lone continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["half a character", [0x61, 0xe6, 0xbc]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["past the last character", [0xf4, 0x90, 0x80, 0x80]],
    ["Latin-1", [0x63, 0x61, 0x66, 0xe9]],
  ])("%s in MessagePack is malformed", (_, bytes) => {
    expect(outcome(server, rename(bytes))).toBe("malformed");
    // As long as a text may be for the quick way of decoding, and longer.
    expect(outcome(server, rename([...Buffer.from("a".repeat(60)), ...bytes]))).toBe("malformed");
  });

  test("bytes that are no UTF-8 in JSON are malformed", () => {
    expect(outcome(serverJson, Buffer.from([...Buffer.from('{"type":"ping","x":"'), 0xff, 0x22, 0x7d]))).toBe(
      "malformed",
    );
  });

  test.each(["\\ud800", "a\\udc00", "\\udc00\\ud800"])("the lone surrogate %s in JSON is invalid", (text) => {
    const [decoded] = serverJson.decode(`{"type":"hello","token":"${text}","device":{}}`);
    expect(decoded?.error).toMatchObject({ code: "invalid", field: "token" });
  });

  test("a byte order mark is a character like any other, and no way into a frame", () => {
    const hello = { type: "hello", token: "\ufeffalice", device: { id: "0190a0b0-1234-7abc-8def-0123456789ab" } };
    expect(server.decode(written(MSGPACK, hello))).toEqual([{ frame: hello }]);
    expect(serverJson.decode(Buffer.from(written(JSON_TEXT, hello) as string))).toEqual([{ frame: hello }]);
    expect(outcome(serverJson, Buffer.from('\ufeff{"type":"ping"}'))).toBe("malformed");
  });

  test.each(["a", "YQ=", "YQ===", "Y Q", "YQ+/", "é", "YQ\n", "=", "===="])("%j is no base64url", (content) => {
    const [decoded] = serverJson.decode(JSON.stringify({ type: "send", content }));
    expect(decoded?.error).toMatchObject({ code: "invalid", field: "content" });
  });

  test.each(["", "YQ", "YQ==", "YWI", "YWI=", "-_-_"])("%j is base64url", (content) => {
    const send = {
      type: "send",
      ref: 1,
      id: "0190a0b0-1234-7abc-8def-0123456789ab",
      user: "bob",
      content_type: "text",
    };
    const [decoded] = serverJson.decode(JSON.stringify({ ...send, content }));
    expect(decoded).toMatchObject({ frame: { ...send, content: new Uint8Array(Buffer.from(content, "base64url")) } });
  });
});

describe("what is no frame", () => {
  test.each(["", "null", "1", '"ping"', "true", "[1]", "[[]]", "[null]", "nope", "{", "{}x", "{'type':'ping'}", "NaN"])(
    "the JSON %j is malformed",
    (text) => {
      expect(outcome(serverJson, text)).toBe("malformed");
    },
  );

  test.each(
    [
      [],
      [0xc0],
      [0x01],
      [0xa4, 0x70, 0x69, 0x6e, 0x67],
      [0xc1],
      [0x91, 0x01],
      [0x91, 0x90],
      [0x81, 0x01, 0x01],
      [0x81, 0xc0, 0xc0],
    ].map((bytes) => Buffer.from(bytes)),
  )("the MessagePack %j is malformed", (bytes) => {
    expect(outcome(server, bytes)).toBe("malformed");
  });

  test("text where bytes are spoken is malformed", () => {
    expect(outcome(server, '{"type":"ping"}')).toBe("malformed");
  });

  test("a frame without a type, or with one of another kind, is of no known type", () => {
    for (const type of [undefined, null, 1, [], {}, "", "Ping", "ping ", "p".repeat(1_000)]) {
      const frame = type === undefined ? { ref: 1 } : { ref: 1, type };
      for (const { decode, name } of [server, serverJson]) {
        expect(decode(written(name, frame))).toMatchObject([{ ref: 1, error: { code: "unknown_type" } }]);
      }
    }
  });

  test("a key that comes twice is no way around a check", () => {
    const twice = Buffer.concat([
      Buffer.of(0x83),
      ...["type", "ping", "type", "send", "position"].map((text) =>
        Buffer.of(0xa0 | text.length, ...Buffer.from(text)),
      ),
      Buffer.of(5),
    ]);
    expect(outcome(server, twice)).toBe("invalid");
    const positions = Buffer.concat([
      (written(MSGPACK, { type: "ping", position: 1, ref: 0 }) as Buffer).subarray(0, -5),
      Buffer.of(0xa8, ...Buffer.from("position"), 0xa1, 0x61),
    ]);
    expect(outcome(server, positions)).toBe("invalid");
    expect(serverJson.decode('{"type":"ping","position":1,"position":"a"}')).toMatchObject([
      { error: { field: "position" } },
    ]);
  });

  test.each(EVERY_FRAME)("a $type of the $side isn't taken from the other side", ({ side, type, doc }) => {
    const other = side === "client" ? "server" : "client";
    if (Object.hasOwn(FRAMES[other], type)) return;
    const [frame] = fc.sample(frameOf(type, doc), 1);
    for (const name of [MSGPACK, JSON_TEXT] as const) {
      expect(outcome(ends(other, name), written(name, frame))).toBe("unknown_type");
    }
  });
});
