import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/client/index.js";
import { until } from "../../src/testing/until.js";
import { turns } from "./client-fake-clock.js";
import { FakeServer } from "./client-fake-server.js";
import { clientOf, online, texts } from "./client-setup.js";

describe("receiving", () => {
  test("what was missed comes before connect resolves, in order", async () => {
    const server = new FakeServer();
    for (const text of ["A", "B", "C"]) server.say("bob", { user: "alice" }, text);
    const { entries } = await online("alice", {}, server);
    expect(texts(entries)).toEqual(["A", "B", "C"]);
    expect(entries[0]).toMatchObject({ own: false, status: "delivered", sender: "bob", to: "alice" });
  });

  test("texts are told as they were sent, whatever is in them", async () => {
    const server = new FakeServer();
    const sent = ["", "\ufeffmark", "tab\tnew\nline", "\u0000", "e\u0301 é", "👨‍👩‍👧 नमस्ते שלום"];
    for (const text of sent) server.say("bob", { user: "alice" }, text);
    const { entries } = await online("alice", {}, server);
    expect(texts(entries)).toEqual(sent);
  });

  test("each message is told once, though the server sends everything twice", async () => {
    const server = new FakeServer();
    server.faults.send = (frame) => (frame.type === "message" || frame.type === "ack" ? 2 : 1);
    server.say("bob", { user: "alice" }, "A");
    const { client, entries } = await online("alice", {}, server);
    server.say("bob", { user: "alice" }, "B");
    const own = await client.send({ user: "bob" }, "C");
    await client.settled(own.id);
    server.say("bob", { user: "alice" }, "D");
    await until("four messages", () => entries.length >= 4);
    await turns();
    expect(texts(entries)).toEqual(["A", "B", "C", "D"]);
  });

  test("nothing is told twice over a restart, whatever the server repeats", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    server.say("bob", { user: "alice" }, "A");
    const first = await online("alice", { store }, server);
    await first.client.close();
    server.say("bob", { user: "alice" }, "B");
    // The server has forgotten how far the device was and begins anew.
    server.faults.receive = (frame) => {
      if (frame.type === "hello") delete (frame as { position?: number }).position;
      return false;
    };
    const second = await online("alice", { store }, server);
    expect(texts(second.entries)).toEqual(["B"]);
  });

  test("the position is acknowledged after the message was stored, never before", async () => {
    const store = memoryStore();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let held = false;
    const slow = {
      ...store,
      write: async (step: Parameters<typeof store.write>[0]) => {
        if (step.entries.length > 0) {
          held = true;
          await gate;
        }
        await store.write(step);
      },
    };
    const { server, entries } = await online("alice", { store: slow });
    const { conversation } = server.say("bob", { user: "alice" }, "A");
    await until("the message is being stored", () => held);
    await turns();
    const [line] = server.of("alice");
    const acknowledged = () =>
      line?.received.some((frame) => frame.type === "receipt" && (frame.position ?? 0) >= server.head("alice"));
    expect(entries).toEqual([]);
    expect(acknowledged()).toBe(false);
    release();
    await until("the position is acknowledged", () => acknowledged() === true);
    expect(texts(entries)).toEqual(["A"]);
    expect(server.groups.get(conversation)?.marks.get("alice")).toEqual({ delivered: 1, read: 0 });
  });

  test("receipts of a busy time go together", async () => {
    const { server, entries } = await online("alice");
    const [line] = server.of("alice");
    const before = line?.received.length ?? 0;
    for (let i = 0; i < 200; i++) {
      server.say("bob", { user: "alice" }, String(i));
      if (i % 20 === 0) await turns(2);
    }
    await until("all have come", () => entries.length === 200);
    await until("all is acknowledged", () =>
      Boolean(line?.received.some((frame) => frame.type === "receipt" && frame.position === server.head("alice"))),
    );
    const receipts = line?.received.slice(before).filter(({ type }) => type === "receipt") ?? [];
    expect(receipts.length).toBeLessThan(20);
  });

  test("messages of several conversations keep each its own order", async () => {
    const server = new FakeServer();
    for (let i = 0; i < 30; i++) server.say(["bob", "carol", "dave"][i % 3] as string, { user: "alice" }, String(i));
    const { entries } = await online("alice", {}, server);
    const seqs = new Map<string, number[]>();
    for (const { conversation, seq } of entries)
      seqs.set(conversation, [...(seqs.get(conversation) ?? []), seq as number]);
    expect([...seqs.values()]).toEqual([1, 2, 3].map(() => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  });

  test("messages of this user's other devices are told, with their status", async () => {
    const server = new FakeServer();
    const phone = await online("alice", {}, server);
    const laptop = await online("alice", {}, server);
    const sent = await phone.client.send({ user: "bob" }, "from the phone");
    await until("the laptop has it", () => laptop.entries.length === 1);
    expect(laptop.entries[0]).toMatchObject({ id: sent.id, own: true, status: "sent", text: "from the phone" });
  });

  test.each(["position", "echo", "bare"] as const)(
    "own messages take their place among the others' (the acknowledgement says: %s)",
    async (ack) => {
      const server = new FakeServer();
      server.faults.ack = ack;
      const { client, entries } = await online("alice", {}, server);
      const expected: string[] = [];
      for (let i = 0; i < 10; i++) {
        const own = await client.send({ user: "bob" }, `own ${i}`);
        await client.settled(own.id);
        server.say("bob", { user: "alice" }, `other ${i}`);
        expected.push(`own ${i}`, `other ${i}`);
      }
      await until("all are told", () => entries.length === 20);
      expect(texts(entries)).toEqual(expected);
      expect(entries.map(({ seq }) => seq)).toEqual(expected.map((_, i) => i + 1));
    },
  );

  test("an own message that was acknowledged early waits for those before it", async () => {
    const server = new FakeServer();
    server.faults.ack = "bare";
    const { client, entries } = await online("alice", {}, server);
    server.say("bob", { user: "alice" }, "1");
    await until("the first has come", () => entries.length === 1);
    // What others say is held back, as for a connection that is slow; the acknowledgement isn't.
    server.faults.send = (frame) => (frame.type === "message" || frame.type === "pong" ? 0 : 1);
    server.say("bob", { user: "alice" }, "2");
    const own = await client.send({ user: "bob" }, "3");
    expect(await client.settled(own.id)).toMatchObject({ status: "sent", seq: 3 });
    await turns();
    expect(texts(entries)).toEqual(["1"]);
    server.faults.send = undefined;
    const [line] = server.of("alice");
    server.handle(line as NonNullable<typeof line>, { type: "pull", ref: 0, mailbox: 0 });
    await until("all are told", () => entries.length === 3);
    expect(texts(entries)).toEqual(["1", "2", "3"]);
  });

  test("an own message in a conversation whose past is unknown is told all the same", async () => {
    const server = new FakeServer();
    server.faults.ack = "bare";
    const { conversation } = server.say("bob", { user: "alice" }, "long ago");
    server.say("bob", { user: "alice" }, "and forgotten");
    const { client, entries, wire } = await online("alice", {}, server);
    expect(entries).toHaveLength(2);
    const fresh = clientOf(server, "alice");
    server.faults.send = (frame) => (frame.type === "message" && frame.seq < 3 ? 0 : 1);
    await fresh.client.connect();
    const own = await fresh.client.send({ conversation }, "now");
    await fresh.client.settled(own.id);
    await until("it is told", () => fresh.entries.length === 1);
    expect(texts(fresh.entries)).toEqual(["now"]);
    expect(wire.sockets).toHaveLength(1);
    await client.close();
  });

  test("a head beyond the own position makes the client pull what it lacks", async () => {
    const { client, server, entries, wire } = await online("alice");
    server.faults.send = (frame) => (frame.type === "message" ? 0 : 1);
    server.say("bob", { user: "alice" }, "lost on the way");
    await turns();
    expect(entries).toEqual([]);
    server.faults.send = undefined;
    const [line] = server.of("alice");
    // What the client's next ping is answered with.
    line?.send({ type: "pong", head: server.head("alice"), position: 0 });
    await until("it was pulled", () => entries.length === 1);
    expect(line?.received.some((frame) => frame.type === "pull" && frame.mailbox !== undefined)).toBe(true);
    expect(wire.sockets).toHaveLength(1);
    expect(client.state).toBe("online");
  });

  test("a store that is slower than the network bounds what waits in memory, and nothing is lost", async () => {
    const store = memoryStore();
    let blocked = true;
    const slow = {
      ...store,
      write: async (step: Parameters<typeof store.write>[0]) => {
        while (blocked && step.entries.length > 0) await turns(1);
        await store.write(step);
      },
    };
    const { server, entries, reasons, wire } = await online("alice", { store: slow });
    const text = "x".repeat(65_000);
    for (let i = 0; i < 550; i++) server.say("bob", { user: "alice" }, `${i} ${text}`);
    await until("the session is given up", () => reasons.some((reason) => reason?.code === "overloaded"));
    blocked = false;
    await until("all have come", () => entries.length === 550, 20_000);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
    expect(wire.open).toHaveLength(1);
  });

  test.each([
    [
      "throws",
      () => {
        throw new TypeError("mine");
      },
    ],
    ["rejects", () => Promise.reject(new TypeError("mine"))],
  ])("a listener that %s is told as an error and disturbs nobody", async (_, listener) => {
    const server = new FakeServer();
    const { client, entries, errors } = await online("alice", {}, server);
    client.on("message", listener);
    server.say("bob", { user: "alice" }, "A");
    server.say("bob", { user: "alice" }, "B");
    await until("both have come and failed", () => entries.length === 2 && errors.length === 2);
    expect(errors.map(({ code, cause }) => [code, (cause as Error).message])).toEqual([
      ["internal", "mine"],
      ["internal", "mine"],
    ]);
    expect(client.state).toBe("online");
  });

  test("a listener that was removed hears nothing", async () => {
    const { client, server, entries } = await online("alice");
    const heard: string[] = [];
    const stop = client.on("message", ({ text }) => heard.push(text));
    server.say("bob", { user: "alice" }, "A");
    await until("it has come", () => entries.length === 1);
    stop();
    server.say("bob", { user: "alice" }, "B");
    await until("it has come", () => entries.length === 2);
    expect(heard).toEqual(["A"]);
  });

  test("content is the message's own, not a view of all that came with it", async () => {
    const { server, entries } = await online("alice");
    server.say("bob", { user: "alice" }, "A");
    await until("it has come", () => entries.length === 1);
    const [message] = entries;
    expect(message?.type === "message" && message.content.buffer.byteLength).toBe(1);
  });
});
