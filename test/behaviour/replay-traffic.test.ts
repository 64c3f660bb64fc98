import { describe, expect, it } from "vitest";
import { generateTraffic } from "../replay/generate.js";
import { splitIntoGroups, transcriptOf } from "../replay/groups.js";
import { type Line, parseTraffic } from "../replay/traffic.js";

describe("recorded traffic", () => {
  it("is read line by line, as it came", () => {
    const jsonl = `{"t": 1, "do": "join", "user": "u1"}\n{"t": 2, "do": "say", "user": "u1", "text": "\\u00e9\\t"}\n\n{"do": "leave", "user": "u1"}\n`;
    expect(parseTraffic(jsonl)).toEqual([
      { do: "join", user: "u1" },
      { do: "say", user: "u1", text: "é\t" },
      { do: "leave", user: "u1" },
    ]);
  });

  it.each([
    ["not JSON at all", "hello", "line 2 is not JSON"],
    ["a line without a user", `{"do": "join"}`, "line 2 names no user"],
    ["a line that does something else", `{"do": "shout", "user": "u1"}`, "line 2 is neither say, join nor leave"],
    ["a say without text", `{"do": "say", "user": "u1"}`, "line 2 is neither say, join nor leave"],
  ])("is refused with the number of the line: %s", (_, line, error) => {
    expect(() => parseTraffic(`{"do": "join", "user": "u1"}\n${line}`)).toThrow(error);
  });
});

describe("the split into groups", () => {
  const lines: Line[] = Array.from({ length: 250 }, (_, i) => ({ do: "say", user: `u${i}`, text: `text ${i}` }));

  it("puts every user into exactly one group of at most so many", () => {
    const groups = splitIntoGroups("channel", lines, 99);
    expect(groups.map(({ members }) => members.length)).toEqual([84, 83, 83]);
    expect(new Set(groups.flatMap(({ members }) => members)).size).toBe(250);
  });

  it("keeps each group's lines in their order", () => {
    for (const group of splitIntoGroups("channel", lines, 99)) {
      const expected = lines.filter(({ user }) => group.members.includes(user));
      expect(transcriptOf(group).map(({ text }) => text)).toEqual(expected.map((line) => "text" in line && line.text));
    }
  });

  it("brings who speaks without having joined online, and nobody twice", () => {
    const [group] = splitIntoGroups(
      "channel",
      [
        { do: "say", user: "a", text: "1" },
        { do: "join", user: "a" },
        { do: "leave", user: "b" },
        { do: "join", user: "b" },
        { do: "leave", user: "b" },
        { do: "say", user: "b", text: "2" },
      ],
      99,
    );
    expect(group?.steps.map(({ do: what, user }) => `${user} ${what}`)).toEqual([
      "a online",
      "a say",
      "b online",
      "b offline",
      "b online",
      "b say",
    ]);
  });
});

describe("generated traffic", () => {
  it("is the same for the same seed and another for another", () => {
    const amount = { users: 20, lines: 200 };
    expect(generateTraffic(1, amount)).toEqual(generateTraffic(1, amount));
    expect(generateTraffic(1, amount)).not.toEqual(generateTraffic(2, amount));
  });

  it("has the shape of the real thing: talk, coming and going, several scripts, empty lines", () => {
    const traffic = generateTraffic(7, { users: 50, lines: 2_000 });
    const texts = traffic.flatMap((line) => (line.do === "say" ? [line.text] : []));
    expect(texts.length).toBeGreaterThan(1_000);
    expect(traffic.some((line) => line.do === "join")).toBe(true);
    expect(traffic.some((line) => line.do === "leave")).toBe(true);
    expect(texts).toContain("");
    expect(texts.some((text) => text.includes("привет"))).toBe(true);
    expect(texts.every((text) => text.isWellFormed())).toBe(true);
  });
});
