import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FRAMES_PER_MESSAGE } from "../../src/protocol/bounds.js";
import { SUB_PROTOCOLS } from "../../src/protocol/codec.js";
import type { Field, Fields } from "../../src/protocol/field.js";

import { ends } from "./both-codecs.js";
import { EVERY_FRAME } from "./frame-values.js";
import { written } from "./wire-form.js";

const ID = "0190a0b0-1234-7abc-8def-0123456789ab";

/** The smallest value that a field takes. */
function least({ doc }: Field<unknown>): unknown {
  switch (doc.kind) {
    case "uint":
      return 0;
    case "text":
      return "x".repeat(doc.min);
    case "uuid":
      return ID;
    case "bytes":
      return new Uint8Array(0);
    case "bool":
      return false;
    case "enum":
      return doc.values[0];
    case "list":
      return [];
    case "tuple":
      return doc.of.map(least);
    case "object":
      return leastObject(doc.fields);
    case "union": {
      const [[kind, fields] = ["", {}]] = Object.entries(doc.of);
      return { [doc.by]: kind, ...leastObject(fields) };
    }
  }
}

function leastObject(fields: Fields): Record<string, unknown> {
  const required = Object.entries(fields).filter(([, field]) => !field.optional);
  return Object.fromEntries(required.map(([key, field]) => [key, least(field)]));
}

interface Case {
  /** What is wrong, for the test's name; "fits" where nothing is. */
  readonly what: string;
  readonly value: unknown;
  /** The error that is wanted; null where there must be none. */
  readonly error: { readonly code: string; readonly field: string; readonly limit?: number } | null;
}

const fits = (value: unknown): Case => ({ what: "fits", value, error: null });

/** Values at a field's bounds and just past them, and values of another kind. */
function cases({ doc }: Field<unknown>, path: string): Case[] {
  const invalid = (what: string, value: unknown, limit?: number): Case => ({
    what,
    value,
    error: { code: "invalid", field: path, ...(limit !== undefined && { limit }) },
  });
  const tooLarge = (value: unknown, limit: number): Case => ({
    what: "too large",
    value,
    error: { code: "too_large", field: path, limit },
  });
  switch (doc.kind) {
    case "uint":
      return [
        fits(0),
        fits(doc.max),
        invalid("negative", -1),
        invalid("broken", 0.5),
        invalid("past 2^53", 2 ** 53),
        invalid("text", "1"),
        ...(doc.max < Number.MAX_SAFE_INTEGER ? [invalid("too large", doc.max + 1, doc.max)] : []),
      ];
    case "text":
      return [
        fits("x".repeat(doc.max)),
        fits("é".repeat(doc.max / 2)),
        tooLarge("x".repeat(doc.max + 1), doc.max),
        tooLarge("é".repeat(doc.max / 2 + 1), doc.max),
        ...(doc.min > 0 ? [invalid("empty", "", doc.min)] : [fits("")]),
        invalid("a control character", "a\u0007b"),
        invalid("a line", "a\nb"),
        invalid("a number", 5),
      ];
    case "uuid":
      return [invalid("text", "abc"), invalid("bytes", new Uint8Array(15)), invalid("a number", 1)];
    case "bytes":
      return [
        fits(new Uint8Array(doc.max)),
        tooLarge(new Uint8Array(doc.max + 1), doc.max),
        invalid("a number", 1),
        invalid("a list", []),
      ];
    case "bool":
      return [fits(true), fits(false), invalid("a number", 1), invalid("text", "true")];
    case "enum":
      return [...doc.values.map(fits), invalid("unknown", "nothing"), invalid("empty", ""), invalid("a number", 0)];
    case "list": {
      const item = least(doc.of);
      return [
        fits(new Array(doc.max).fill(item)),
        tooLarge(new Array(doc.max + 1).fill(item), doc.max),
        invalid("an object", {}),
        ...cases(doc.of, path).map((one) => ({ ...one, what: `an item ${one.what}`, value: [one.value] })),
      ];
    }
    case "tuple": {
      const all = doc.of.map(least);
      return [
        invalid("too short", all.slice(1)),
        invalid("too long", [...all, 1]),
        ...doc.of.flatMap((of, i) =>
          cases(of, path).map((one) => ({ ...one, value: all.map((item, at) => (at === i ? one.value : item)) })),
        ),
      ];
    }
    case "object":
      return [invalid("a list", []), invalid("a number", 1), ...objectCases(doc.fields, `${path}.`)];
    case "union":
      return [
        invalid("a number", 1),
        { what: "of no kind", value: {}, error: { code: "invalid", field: `${path}.${doc.by}` } },
        { what: "unknown", value: { [doc.by]: "x" }, error: { code: "invalid", field: `${path}.${doc.by}` } },
        ...Object.entries(doc.of).flatMap(([kind, fields]) =>
          objectCases(fields, `${path}.`).map((one) => ({
            ...one,
            value: { [doc.by]: kind, ...(one.value as object) },
          })),
        ),
      ];
  }
}

function objectCases(fields: Fields, prefix: string): Case[] {
  const base = leastObject(fields);
  return Object.entries(fields).flatMap(([key, field]) => {
    const path = prefix + key;
    const { [key]: _, ...without } = base;
    const absent: Case = field.optional
      ? fits({ ...base, [key]: null })
      : { what: "missing", value: without, error: { code: "invalid", field: path } };
    return [absent, ...cases(field, path).map((one) => ({ ...one, value: { ...base, [key]: one.value } }))];
  });
}

describe.each(SUB_PROTOCOLS)("%s", (name) => {
  test.each(EVERY_FRAME)(
    "$type of the $side keeps to its bounds, and says which field doesn't",
    ({ side, type, doc }) => {
      const { decode } = ends(side, name);
      for (const { what, value, error } of objectCases(doc.fields, "")) {
        const [decoded] = decode(written(name, { type, ...(value as object) }));
        const said = decoded?.error;
        const label = `${what} ${JSON.stringify(value).slice(0, 100)}`;
        if (error === null) {
          expect(said, label).toBeUndefined();
          continue;
        }
        expect({ code: said?.code, field: said?.field, limit: said?.limit }, label).toEqual({
          limit: undefined,
          ...error,
        });
      }
    },
  );

  test("a refused request is answered under its number", () => {
    const { decode } = ends("client", name);
    expect(decode(written(name, { type: "pull", ref: 12, conversation: 5 }))).toMatchObject([{ ref: 12 }]);
    expect(decode(written(name, { type: "nothing", ref: 2 ** 40 }))).toMatchObject([
      { ref: 2 ** 40, error: { code: "unknown_type", field: "type" } },
    ]);
    for (const ref of [-1, "1", 0.5, null, {}]) {
      const [decoded] = decode(written(name, { type: "nothing", ref }));
      expect(decoded).not.toHaveProperty("ref");
    }
  });

  test("one refused frame among others takes only its own place", () => {
    const { decode } = ends("client", name);
    const ping = { type: "ping" };
    expect(decode(written(name, [ping, { type: "ok?" }, ping, { type: "send", ref: 3 }]))).toMatchObject([
      { frame: ping },
      { error: { code: "unknown_type" } },
      { frame: ping },
      { error: { code: "invalid" }, ref: 3 },
    ]);
  });

  test("a message has a bounded number of frames", () => {
    const { decode } = ends("client", name);
    const frames = (count: number) => written(name, new Array(count).fill({ type: "ping" }));
    expect(decode(frames(0))).toEqual([]);
    expect(decode(frames(FRAMES_PER_MESSAGE))).toHaveLength(FRAMES_PER_MESSAGE);
    expect(() => decode(frames(FRAMES_PER_MESSAGE + 1))).toThrow(
      expect.objectContaining({ code: "malformed", limit: FRAMES_PER_MESSAGE }),
    );
  });

  test("fields that the schema doesn't know are passed over, whatever they hold", () => {
    const { decode } = ends("client", name);
    const anything = fc.anything({
      withNullPrototype: false,
      maxDepth: 4,
      values: [fc.string(), fc.integer(), fc.constant(null)],
    });
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => key !== "position"),
          anything,
        ),
        (extra) => {
          const { type: _, ...rest } = extra;
          expect(decode(written(name, { ...rest, type: "ping", position: 7 }))).toEqual([
            { frame: { type: "ping", position: 7 } },
          ]);
        },
      ),
    );
  });

  test("keys that mean something to JavaScript mean nothing in a frame", () => {
    const { decode } = ends("client", name);
    const hostile = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];
    for (const key of hostile) {
      const frame = Object.fromEntries([
        ["type", "ping"],
        [key, { polluted: true, position: 1 }],
      ]);
      Object.defineProperty(frame, key, { value: { polluted: true, position: 1 }, enumerable: true });
      expect(decode(written(name, frame))).toStrictEqual([{ frame: { type: "ping" } }]);
      expect(decode(written(name, { type: key }))).toMatchObject([{ error: { code: "unknown_type" } }]);
    }
    expect({}).not.toHaveProperty("polluted");
  });
});
