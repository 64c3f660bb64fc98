import { directConversation, newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { JSON_TEXT, MSGPACK } from "../../src/protocol/codec.js";
import { openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import { bytesOf } from "./support/wire-client.js";

describe.each(STORES)("two people on $name", (store) => {
  it.each([MSGPACK, JSON_TEXT] as const)("write to each other over %s", async (subProtocol) => {
    const house = await openHouse({ store });
    const alice = await house.client("alice", { subProtocol });
    const bob = await house.client("bob", { subProtocol });

    const ack = await alice.say({ user: "bob" }, "hello");
    expect(ack).toMatchObject({ conversation: directConversation("alice", "bob"), seq: 1 });

    await bob.gets("hello");
    expect(bob.all("message")).toMatchObject([
      {
        conversation: ack.conversation,
        seq: 1,
        id: ack.id,
        sender: "alice",
        sender_device: alice.device,
        to: "bob",
        timestamp: ack.timestamp,
        content_type: "text",
        content: bytesOf("hello"),
      },
    ]);
    await bob.say({ conversation: ack.conversation }, "hello yourself");
    await alice.gets("hello yourself");
    expect(alice.all("message")).toMatchObject([{ seq: 2, sender: "bob", to: "alice" }]);
  });

  it("a sender sees that a message was sent, delivered and read", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const { conversation, seq } = await alice.say({ user: "bob" }, "hello");
    await bob.gets("hello");

    bob.send({ type: "receipt", position: bob.position, delivered: [[conversation, seq]] });
    const delivered = await alice.next("receipt");
    expect(delivered.watermarks).toEqual([{ conversation, user: "bob", delivered: seq, read: 0 }]);

    bob.send({ type: "receipt", read: [[conversation, seq]] });
    const read = await alice.next("receipt", ({ watermarks }) => watermarks[0]?.read === seq);
    expect(read.watermarks).toEqual([{ conversation, user: "bob", delivered: seq, read: seq }]);
  });

  it("the sender's other devices get the message, and the one that sent it doesn't", async () => {
    const house = await openHouse({ store });
    const phone = await house.client("alice");
    const laptop = await house.client("alice");
    const bob = await house.client("bob");
    await phone.say({ user: "bob" }, "from the phone");
    await laptop.say({ user: "bob" }, "from the laptop");
    await bob.gets("from the phone", "from the laptop");
    await phone.gets("from the laptop");
    await laptop.gets("from the phone");
    await Promise.all([phone.caughtUp(), laptop.caughtUp()]);
    expect(phone.texts).toEqual(["from the laptop"]);
    expect(laptop.texts).toEqual(["from the phone"]);
    expect(laptop.all("message")).toMatchObject([{ sender: "alice", to: "bob", sender_device: phone.device }]);
  });

  it("a user writes notes to self, which reach the other devices", async () => {
    const house = await openHouse({ store });
    const phone = await house.client("alice");
    const laptop = await house.client("alice");
    const ack = await phone.say({ user: "alice" }, "buy milk");
    expect(ack).toMatchObject({ conversation: directConversation("alice", "alice"), seq: 1 });
    await laptop.gets("buy milk");
    await phone.caughtUp();
    expect(phone.texts).toEqual([]);
    expect((await laptop.say({ user: "alice" }, "done")).seq).toBe(2);
  });

  it("what a message carries comes out as it went in", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const phone = await house.client("bob");
    const laptop = await house.client("bob", { subProtocol: JSON_TEXT });
    const content = Uint8Array.from({ length: 256 }, (_, i) => i);
    await alice.expect("ack", {
      type: "send",
      id: newId(),
      user: "bob",
      content_type: "image",
      content,
      silent: true,
      mentions: ["bob"],
      envelopes: [
        [phone.device, bytesOf("for the phone")],
        [newId(), bytesOf("for nobody here")],
      ],
    });
    const onPhone = await phone.next("message");
    const onLaptop = await laptop.next("message");
    expect(onPhone).toMatchObject({ content_type: "image", silent: true, mentions: ["bob"] });
    expect(Buffer.from(onPhone.content).equals(content)).toBe(true);
    expect(Buffer.from(onLaptop.content).equals(content)).toBe(true);
    expect(new TextDecoder().decode(onPhone.envelope)).toBe("for the phone");
    expect(onLaptop).not.toHaveProperty("envelope");
  });
});

describe("the position in an acknowledgement", () => {
  it("stands for the entry: the device that sent it is at that place of its mailbox", async () => {
    const house = await openHouse();
    const phone = await house.client("alice");
    const laptop = await house.client("alice");
    const ack = await phone.say({ user: "bob" }, "hello");
    const copy = await laptop.next("message");
    expect(ack.position).toBe(copy.position);

    await phone.acknowledge();
    await phone.leave();
    const again = await house.client({ user: "alice", device: phone.device, position: ack.position as number });
    expect(again.frames.find(({ type }) => type === "welcome")).toMatchObject({ gap: false });
    expect(again.texts).toEqual([]);
  });

  it("never passes an entry of somebody else's that hasn't come", async () => {
    const house = await openHouse();
    const alice = await house.client("alice");
    await house.client("alice");
    const bob = await house.client("bob");
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      answers.push(alice.say({ user: "bob" }, `to bob ${i}`), bob.say({ user: "alice" }, `to alice ${i}`));
    }
    await Promise.all(answers);
    await alice.gets("to alice 99");
    let passed = 0;
    for (const frame of alice.frames) {
      if (frame.type === "message") {
        expect(frame.position).toBeGreaterThan(passed);
        passed = frame.position as number;
      } else if (frame.type === "ack") passed = Math.max(passed, frame.position ?? 0);
    }
    expect(alice.texts).toEqual(Array.from({ length: 100 }, (_, i) => `to alice ${i}`));
  });
});
