import { type Draft, newId, type Verdict } from "sentseen";
import { describe, expect, it } from "vitest";
import { JSON_TEXT, MSGPACK } from "../../src/protocol/codec.js";
import { until } from "../../src/testing/until.js";
import { openHouse } from "./support/house.js";
import { bytesOf } from "./support/wire-client.js";

type BeforeSend = (draft: Draft) => Verdict | Promise<Verdict>;

function textOf({ content }: Draft): string {
  return new TextDecoder().decode(content);
}

describe("the host's beforeSend", () => {
  it("sees what is about to be sent, and lets it pass", async () => {
    const drafts: Draft[] = [];
    const house = await openHouse({ hooks: { beforeSend: (draft) => void drafts.push(draft) } });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const ack = await alice.say({ user: "bob" }, "hello");
    await bob.gets("hello");
    const { id, conversation } = ack;
    expect(drafts).toMatchObject([
      { id, conversation, sender: "alice", device: alice.device, to: "bob", content_type: "text" },
    ]);
    expect(textOf(drafts[0] as Draft)).toBe("hello");
  });

  it("changes what a message carries, and nothing else of it", async () => {
    const beforeSend: BeforeSend = (draft) => ({
      change: { content: bytesOf(textOf(draft).toUpperCase()), content_type: "event", silent: true, mentions: ["bob"] },
    });
    const house = await openHouse({ hooks: { beforeSend } });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const { id } = await alice.say({ user: "bob" }, "hello");
    await bob.gets("HELLO");
    expect(bob.all("message")).toMatchObject([
      { id, sender: "alice", seq: 1, content_type: "event", silent: true, mentions: ["bob"] },
    ]);
  });

  it.each([MSGPACK, JSON_TEXT] as const)(
    "refuses with a reason for people, whatever it is made of, over %s",
    async (subProtocol) => {
      const reasons = [
        ["Not between the two of you.", "Not between the two of you."],
        ["two\r\nlines", "two lines"],
        ["", "The host refused the message."],
        ["\u{1F600}".repeat(200), "\u{1F600}".repeat(128)],
        ["x\ud800y", "x\ufffdy"],
      ] as const;
      let asked = 0;
      const beforeSend: BeforeSend = () => ({ refuse: reasons[asked++]?.[0] as string });
      const house = await openHouse({ hooks: { beforeSend } });
      const alice = await house.client("alice", { subProtocol });
      const request = alice.message({ user: "bob" }, "hello");
      for (const [, message] of reasons) {
        expect(await alice.refused(request)).toMatchObject({ code: "refused", message });
      }
    },
  );

  it("is asked again when a refused message is sent again, and may think otherwise", async () => {
    let refuse = true;
    const house = await openHouse({ hooks: { beforeSend: () => (refuse ? { refuse: "not now" } : undefined) } });
    const alice = await house.client("alice");
    const request = alice.message({ user: "bob" }, "hello");
    expect(await alice.refused(request)).toMatchObject({ code: "refused" });
    refuse = false;
    expect(await alice.expect("ack", request)).toMatchObject({ seq: 1 });
  });

  const faults: [string, BeforeSend][] = [
    [
      "throws",
      () => {
        throw new Error("broken");
      },
    ],
    ["rejects", () => Promise.reject(new Error("broken"))],
    ["takes too long", () => new Promise(() => {})],
    ["answers something else", (() => ({ reject: "no" })) as unknown as BeforeSend],
    ["gives content that is no bytes", (() => ({ change: { content: "text" } })) as unknown as BeforeSend],
    ["gives content that is too large", () => ({ change: { content: new Uint8Array(65_537) } })],
    [
      "gives a type of content that there isn't",
      (() => ({ change: { content_type: "smell" } })) as unknown as BeforeSend,
    ],
    ["changes who is mentioned to what is no user", () => ({ change: { mentions: [""] } })],
    ["changes what isn't its to change", (() => ({ change: { sender: "bob" } })) as unknown as BeforeSend],
  ];

  it.each(faults)("that %s lets nothing pass, by default", async (_, beforeSend) => {
    const house = await openHouse({ hooks: { beforeSend, deadlineMs: 50 } });
    const alice = await house.client("alice");
    expect(await alice.refused(alice.message({ user: "bob" }, "hello"))).toMatchObject({ code: "refused" });
    expect(house.errors).toHaveLength(1);
    await alice.caughtUp();
  });

  it.each(faults)("that %s lets everything pass unchanged where the host says so", async (_, beforeSend) => {
    const house = await openHouse({ hooks: { beforeSend, deadlineMs: 50, onFailure: "pass" } });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    await alice.say({ user: "bob" }, "hello");
    await bob.gets("hello");
    expect(bob.all("message")).toMatchObject([{ sender: "alice", content_type: "text" }]);
    expect(house.errors).toHaveLength(1);
  });

  it("that answers null lets pass", async () => {
    const house = await openHouse({ hooks: { beforeSend: (() => null) as unknown as BeforeSend } });
    const alice = await house.client("alice");
    await alice.say({ user: "bob" }, "hello");
  });

  it("isn't asked of group commands, nor of what the host sends itself", async () => {
    const house = await openHouse({ hooks: { beforeSend: () => ({ refuse: "never" }) } });
    const alice = await house.client("alice");
    const create = { type: "group.create", id: newId(), conversation: newId(), name: "trip", users: [] } as const;
    await alice.expect("ack", create);
    await house.server.send({ from: "bot", to: { user: "alice" }, content: "welcome" });
    await alice.gets("welcome");
  });

  it("is asked for one device in order, one at a time", async () => {
    let running = 0;
    const asked: string[] = [];
    const beforeSend: BeforeSend = async (draft) => {
      expect(++running).toBe(1);
      asked.push(textOf(draft));
      // Later ones would be quicker.
      for (let turns = 5 - asked.length; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      running--;
      return undefined;
    };
    const house = await openHouse({ hooks: { beforeSend } });
    const alice = await house.client("alice");
    const texts = ["0", "1", "2", "3", "4"];
    const acks = await Promise.all(texts.map((text) => alice.say({ user: "bob" }, text)));
    expect(asked).toEqual(texts);
    expect(acks.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(house.errors).toEqual([]);
  });

  it("is asked for different devices at the same time", async () => {
    const devices = 5;
    const running: (() => void)[] = [];
    const beforeSend: BeforeSend = async () => {
      // Nobody goes on before all are here.
      await new Promise<void>((resolve) => running.push(resolve));
      return undefined;
    };
    const house = await openHouse({ hooks: { beforeSend, deadlineMs: 10_000 } });
    const clients = await Promise.all(Array.from({ length: devices }, () => house.client("alice")));
    const sent = Promise.all(clients.map((client) => client.say({ user: "bob" }, "hello")));
    await until("all to be asked about", () => running.length === devices);
    for (const goOn of running) goOn();
    await sent;
  });

  it("that is still asked when its connection goes does no harm", async () => {
    let ask: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    let decide: () => void = () => {};
    const beforeSend: BeforeSend = () => {
      ask();
      return new Promise<Verdict>((resolve) => {
        decide = () => resolve(undefined);
      });
    };
    const house = await openHouse({ hooks: { beforeSend } });
    const alice = await house.client("alice");
    alice.start(alice.message({ user: "bob" }, "lost"));
    await asked;
    await alice.drop();
    await until("the server to see her go", () => house.server.connections("alice").length === 0);
    decide();
    const bob = await house.client("bob");
    await bob.caughtUp();
    expect(bob.texts).toEqual([]);
    expect(house.errors).toEqual([]);
  });
});
