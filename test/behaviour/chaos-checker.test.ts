import { describe, expect, it } from "vitest";
import { atRest, check, report, type ViolationName } from "../chaos/checker.js";
import type { Happening, SeenEntry } from "../chaos/history.js";

// Histories made by hand: alice (one device), bob (two) and carol talk in a group; dave is a stranger.

const GROUP = "group";
const OWNER: Record<string, string> = { a1: "alice", b1: "bob", b2: "bob", c1: "carol", d1: "dave" };

function userOf(device: string): string {
  return OWNER[device] as string;
}

function message(seq: number, id: string, sender: string, more: Partial<SeenEntry> = {}): SeenEntry {
  return { conversation: GROUP, seq, id, sender, timestamp: 1_000 + seq, digest: `content of ${id}`, ...more };
}

const CREATED: SeenEntry = {
  conversation: GROUP,
  seq: 1,
  id: "create",
  sender: "alice",
  timestamp: 1_001,
  change: { kind: "created", name: "g", users: ["alice", "bob", "carol"] },
};

function enrolled(device: string): Happening {
  return { type: "enrolled", user: userOf(device), device };
}

function submitted(device: string, id: string, more: { to?: string; conversation?: string } = {}): Happening[] {
  const digest = id === "create" || id.startsWith("change") ? {} : { digest: `content of ${id}` };
  const user = userOf(device);
  return [
    { type: "submitted", user, device, id, ...digest, ...more },
    { type: "queued", user, device, id },
  ];
}

function acked(device: string, { id, conversation, seq, timestamp }: SeenEntry): Happening {
  return { type: "acked", user: userOf(device), device, id, conversation, seq, timestamp };
}

function received(device: string, entry: SeenEntry): Happening {
  return { type: "received", user: userOf(device), device, entry };
}

function delivered(device: string, entry: SeenEntry): Happening[] {
  return [received(device, entry), { type: "delivered", user: userOf(device), device, entry }];
}

function watermark(user: string, deliveredTo: number, read: number): Happening {
  return { type: "watermark", device: "a1", conversation: GROUP, user, delivered: deliveredTo, read };
}

/** A device sends an entry, and it and some others get it. */
function sent(device: string, entry: SeenEntry, to: readonly string[]): Happening[] {
  const got = [device, ...to].flatMap((other) => delivered(other, entry));
  return [...submitted(device, entry.id), acked(device, entry), ...got];
}

const ALL = ["a1", "b1", "b2", "c1"];

function others(device: string): string[] {
  return ALL.filter((other) => other !== device);
}

/** A group is made, and one message each from alice and bob goes round. */
const START: readonly Happening[] = [...ALL, "d1"].map(enrolled).concat(sent("a1", CREATED, others("a1")));
const ONE = message(2, "one", "alice");
const TWO = message(3, "two", "bob");
const TALK: readonly Happening[] = [...START, ...sent("a1", ONE, others("a1")), ...sent("b1", TWO, others("b1"))];

/** Alice's message as her own store holds it. */
function ownWith(status: string): SeenEntry {
  return { ...ONE, status };
}

function names(happenings: readonly Happening[]): ViolationName[] {
  return check(happenings).map(({ name }) => name);
}

describe("the checker passes", () => {
  const clean: Record<string, readonly Happening[]> = {
    "a talk in which all goes well": TALK,
    "entries that come twice on the wire": [...TALK, received("c1", ONE), received("c1", TWO), acked("a1", ONE)],
    "a message that its sender gave up before it was in the outbox": [
      ...TALK,
      { type: "submitted", user: "alice", device: "a1", id: "lost", digest: "content of lost" },
    ],
    "a command that was refused, however often": [
      ...TALK,
      ...submitted("d1", "no"),
      { type: "refused", user: "dave", device: "d1", id: "no", code: "not_member" },
      { type: "refused", user: "dave", device: "d1", id: "no", code: "not_member" },
    ],
    "a device that is newer than the messages it lacks": [...TALK, { type: "enrolled", user: "carol", device: "c2" }],
    "receipts that follow deliveries": [
      ...TALK,
      watermark("carol", 3, 0),
      watermark("carol", 3, 3),
      watermark("bob", 3, 2),
    ],
    "a command whose ack was lost, and which came back to its sender": [
      ...START,
      ...submitted("a1", "one"),
      ...ALL.flatMap((device) => delivered(device, ONE)),
    ],
    "a direct message": [
      ...START,
      ...sent("a1", message(1, "hi", "alice", { conversation: "ab", to: "bob" }), ["b1", "b2"]),
    ],
    "a status that goes forward": [
      ...TALK,
      ...["queued", "sent", "sent", "delivered", "read"].map(
        (status): Happening => ({ type: "status", device: "a1", id: "one", status }),
      ),
    ],
    "a message that is not shown as read, as not everybody has read it": [
      ...TALK,
      { type: "read", user: "bob", device: "b1", conversation: GROUP, seq: 3 },
      { type: "kept", user: "alice", device: "a1", conversation: GROUP, entries: [CREATED, ownWith("delivered"), TWO] },
    ],
    "an entry that an application found in its store, and was told of afterwards": [
      ...START,
      ...sent("a1", ONE, ["b1", "b2"]),
      received("c1", ONE),
      { type: "found", user: "carol", device: "c1", entry: ONE },
      { type: "delivered", user: "carol", device: "c1", entry: ONE },
    ],
    "a store that holds what its device got": [
      ...TALK,
      { type: "kept", user: "carol", device: "c1", conversation: GROUP, entries: [CREATED, ONE, TWO] },
    ],
    "a member that leaves, and is told nothing more": (() => {
      const gone = { ...message(4, "change", "carol"), change: { kind: "left" as const } };
      const { digest: _, ...left } = gone;
      const later = message(5, "later", "alice");
      return [...TALK, ...sent("c1", left, ["a1", "b1", "b2"]), ...sent("a1", later, ["b1", "b2"])];
    })(),
    "a member that is removed, whether it is told or not": (() => {
      const { digest: _, ...rest } = message(4, "change", "alice");
      const removed: SeenEntry = { ...rest, change: { kind: "removed", users: ["bob"] } };
      return [...TALK, ...sent("a1", removed, ["b1", "c1"])];
    })(),
    "watermarks that begin where a member joins again": (() => {
      const { digest: _, ...rest } = message(4, "change", "alice");
      const removed: SeenEntry = { ...rest, change: { kind: "removed", users: ["carol"] } };
      const added: SeenEntry = { ...rest, seq: 5, id: "change2", change: { kind: "added", users: ["carol"] } };
      return [
        ...TALK.filter((it) => !("device" in it) || it.device !== "c1" || it.type === "enrolled"),
        ...sent("a1", removed, ["b1", "b2"]),
        ...sent("a1", added, ["b1", "b2", "c1"]),
        watermark("carol", 4, 4),
        ...[CREATED, ONE, TWO].map((entry) => received("c1", entry)),
        ...[CREATED, ONE, TWO].map((entry): Happening => ({ type: "found", user: "carol", device: "c1", entry })),
      ];
    })(),
    "a new member that sees nothing from before": (() => {
      const { digest: _, ...rest } = message(4, "change", "alice");
      const added: SeenEntry = { ...rest, change: { kind: "added", users: ["dave"] } };
      return [...TALK, ...sent("a1", added, ["b1", "b2", "c1", "d1"])];
    })(),
  };
  for (const [what, history] of Object.entries(clean)) {
    it(what, () => expect(check(history).map(report)).toEqual([]));
  }
});

describe("the checker finds", () => {
  const found: [what: string, name: ViolationName, history: readonly Happening[], also?: ViolationName[]][] = [
    [
      "an acknowledged message that one member never got",
      "acked-but-lost",
      [...START, ...sent("a1", ONE, ["b1", "b2"])],
    ],
    [
      "an acknowledged message that one device of a member never got",
      "acked-but-lost",
      [...START, ...sent("a1", ONE, ["b1", "c1"])],
    ],
    [
      "an acknowledged message that the sender's own other device never got",
      "acked-but-lost",
      [...START, ...sent("b1", message(2, "two", "bob"), ["a1", "c1"])],
    ],
    [
      "an unacknowledged message that some got and others didn't",
      "acked-but-lost",
      [...START, submitted("a1", "one")[0] as Happening, ...delivered("b1", ONE)],
    ],
    [
      "a message that a device's own store lost again",
      "acked-but-lost",
      [...TALK, { type: "kept", user: "carol", device: "c1", conversation: GROUP, entries: [CREATED, TWO] }],
    ],
    [
      "two orders of one conversation",
      "two-orders",
      [
        ...START,
        ...submitted("a1", "one"),
        ...submitted("b1", "two"),
        ...delivered("c1", ONE),
        ...delivered("b1", { ...TWO, seq: 2 }),
      ],
      ["never-answered", "acked-but-lost"],
    ],
    [
      "an acknowledged place that was given again",
      "two-orders",
      [...TALK, ...sent("c1", message(2, "again", "carol"), others("c1"))],
      ["delivered-out-of-order"],
    ],
    [
      "one sender's messages out of order",
      "sender-order",
      [...START, ...submitted("a1", "first"), ...sent("a1", message(2, "second", "alice"), others("a1"))].concat(
        acked("a1", message(3, "first", "alice")),
        ALL.flatMap((device) => delivered(device, message(3, "first", "alice"))),
      ),
    ],
    ["a message twice at an application", "delivered-twice", [...TALK, ...delivered("c1", ONE)]],
    [
      "a message twice in a store",
      "delivered-twice",
      [...TALK, { type: "kept", user: "carol", device: "c1", conversation: GROUP, entries: [CREATED, ONE, ONE, TWO] }],
    ],
    [
      "a later message before an earlier one at an application",
      "delivered-out-of-order",
      [...START, ...sent("a1", ONE, ["b1", "b2"]), ...sent("b1", TWO, ["a1", "b2", "c1"]), ...delivered("c1", ONE)],
    ],
    [
      "a delivery receipt for a message that never came",
      "receipt-before-delivery",
      [
        ...START,
        ...submitted("a1", "one"),
        acked("a1", ONE),
        watermark("carol", 2, 0),
        ...ALL.flatMap((device) => delivered(device, ONE)),
      ],
    ],
    [
      "a read receipt for a message that the application never got",
      "receipt-before-delivery",
      [
        ...START,
        ...submitted("a1", "one"),
        acked("a1", ONE),
        received("c1", ONE),
        watermark("carol", 2, 2),
        ...ALL.flatMap((device) => delivered(device, ONE)),
      ],
    ],
    ["a message to a user who was never a member", "leaked-to-stranger", [...TALK, received("d1", TWO)]],
    [
      "a message to a member that had been removed",
      "leaked-to-stranger",
      (() => {
        const { digest: _, ...rest } = message(4, "change", "alice");
        const removed: SeenEntry = { ...rest, change: { kind: "removed", users: ["bob"] } };
        const later = message(5, "later", "alice");
        return [...TALK, ...sent("a1", removed, ["b1", "b2", "c1"]), ...sent("a1", later, ["c1", "b1"])];
      })(),
    ],
    ["a hole in a conversation", "hole-in-seq", [...START, ...sent("a1", message(3, "one", "alice"), others("a1"))]],
    ["one command stored at two places", "stored-twice", [...TALK, acked("a1", { ...ONE, seq: 4 })]],
    ["an ack that changes its time", "answer-changed", [...TALK, acked("a1", { ...ONE, timestamp: 1_234 })]],
    [
      "a refused command in the conversation",
      "refused-but-stored",
      [...TALK, { type: "refused", user: "alice", device: "a1", id: "one", code: "not_member" }],
    ],
    ["a command that was never answered", "never-answered", [...TALK, ...submitted("a1", "three")]],
    [
      "time that goes back in a conversation",
      "time-went-back",
      [...START, ...sent("a1", { ...ONE, timestamp: 999 }, others("a1"))],
    ],
    [
      "a content that isn't what was sent",
      "content-changed",
      [...START, ...sent("a1", { ...ONE, digest: "something else" }, others("a1"))],
    ],
    [
      "a sender that isn't who sent it",
      "content-changed",
      [...START, ...sent("a1", { ...ONE, sender: "bob" }, others("a1"))],
    ],
    [
      "a change of a group that isn't the same for all",
      "content-changed",
      (() => {
        const { digest: _, ...rest } = message(2, "change", "alice");
        const renamed = (name: string): SeenEntry => ({ ...rest, change: { kind: "renamed", name } });
        return [...START, ...sent("a1", renamed("one"), ["b1", "b2"]), ...delivered("c1", renamed("another"))];
      })(),
    ],
    [
      "a message in another conversation than it was sent to",
      "content-changed",
      [
        ...START,
        ...submitted("a1", "one", { conversation: "another" }),
        acked("a1", ONE),
        ...ALL.flatMap((device) => delivered(device, ONE)),
      ],
    ],
    [
      "an entry that nobody sent",
      "from-nowhere",
      [...START, ...ALL.flatMap((device) => delivered(device, message(2, "ghost", "alice")))],
    ],
    [
      "a status that falls back",
      "status-went-back",
      [
        ...TALK,
        { type: "status", device: "a1", id: "one", status: "read" },
        { type: "status", device: "a1", id: "one", status: "delivered" },
      ],
    ],
    [
      "a message that everybody has read, and whose sender was never told",
      "read-never-told",
      [
        ...TALK,
        ...["b1", "c1"].map((device): Happening => {
          return { type: "read", user: userOf(device), device, conversation: GROUP, seq: 2 };
        }),
        {
          type: "kept",
          user: "alice",
          device: "a1",
          conversation: GROUP,
          entries: [CREATED, ownWith("delivered"), TWO],
        },
      ],
    ],
    ["a gap where none can be", "false-gap", [...TALK, { type: "gap", user: "bob", device: "b1" }]],
    ["a server that failed", "failed", [...TALK, { type: "failure", text: "exit code 1" }]],
  ];
  for (const [what, name, history, also = []] of found) {
    it(what, () => expect([...new Set(names(history))]).toEqual([name, ...also]));
  }

  it("what a wipe took, unless a device was told of it and its user has left since", () => {
    const wiped: Happening = { type: "wiped" };
    const gap: Happening = { type: "gap", user: "carol", device: "c1" };
    const change = { kind: "removed", users: ["carol"] } as const;
    const left = (seq: number): Happening[] => {
      const placed = { conversation: GROUP, seq, id: "change", sender: "alice", timestamp: 1_000 + seq };
      return sent("a1", { ...placed, change }, ["b1", "b2"]);
    };
    const lost = [...START, ...sent("a1", ONE, ["b1", "b2"]), wiped];
    expect(names([...lost, gap])).toEqual(["acked-but-lost"]);
    expect(names([...lost, ...left(3)])).toEqual(["acked-but-lost"]);
    expect(names([...lost, gap, ...left(3)])).toEqual([]);
    const after = sent("a1", message(3, "two", "alice"), ["b1", "b2"]);
    expect(names([...lost, gap, ...after, ...left(4)])).toEqual(["acked-but-lost"]);
  });

  it("a receipt ahead of what a wipe took, unless the user was told of it before", () => {
    const wiped: Happening = { type: "wiped" };
    const gap: Happening = { type: "gap", user: "carol", device: "c1" };
    const lost = [...START, ...sent("a1", ONE, ["b1", "b2"]), wiped];
    const found: Happening[] = [received("c1", ONE), { type: "found", user: "carol", device: "c1", entry: ONE }];
    expect(names([...lost, watermark("carol", 2, 0), gap, ...found])).toEqual(["receipt-before-delivery"]);
    expect(names([...lost, gap, watermark("carol", 2, 0), ...found])).toEqual([]);
    const after = sent("b1", TWO, ["a1", "b2"]);
    expect(names([...lost, gap, ...after, watermark("carol", 3, 0), ...found, ...delivered("c1", TWO)])).toEqual([
      "receipt-before-delivery",
    ]);
  });

  it("a gap before a wipe, and none after it", () => {
    const gap: Happening = { type: "gap", user: "bob", device: "b1" };
    const wiped: Happening = { type: "wiped" };
    expect(names([...TALK, gap, wiped])).toEqual(["false-gap"]);
    expect(names([...TALK, wiped, gap])).toEqual([]);
  });

  it("and tells by name, with what led to it", () => {
    const [violation] = check([...START, ...sent("a1", ONE, ["b1", "b2"])]);
    const text = violation === undefined ? "" : report(violation);
    expect(text).toMatch(/^acked-but-lost: c1 of carol lacks seq 2 of group \(one\)/);
    expect(text).toContain("delivered");
    expect(text.split("\n").length).toBeLessThan(30);
  });
});

describe("a run is at rest", () => {
  it("once everything is answered and has arrived", () => {
    expect(atRest(TALK)).toBe(true);
  });

  it("not while a command has no answer", () => {
    expect(atRest([...TALK, ...submitted("a1", "three")])).toBe(false);
  });

  it("not while a device lacks something", () => {
    expect(atRest([...START, ...sent("a1", ONE, ["b1", "b2"])])).toBe(false);
  });
});
