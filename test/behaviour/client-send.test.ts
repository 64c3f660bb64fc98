import { describe, expect, test } from "vitest";
import { isChatError, memoryStore, newId } from "../../src/client/index.js";
import { until } from "../../src/testing/until.js";
import { FakeServer } from "./client-fake-server.js";
import { clientOf, online, texts } from "./client-setup.js";

describe("sending", () => {
  test("a message is queued when send resolves, and sent once the server has stored it", async () => {
    const { client, server, statuses } = await online("alice");
    const message = await client.send({ user: "bob" }, "hello");
    expect(message).toMatchObject({ status: "queued", own: true, text: "hello", sender: "alice", to: "bob" });
    expect(message.seq).toBeUndefined();
    expect(await client.settled(message.id)).toMatchObject({ id: message.id, status: "sent", seq: 1 });
    expect(statuses.map(({ id, status }) => [id, status])).toEqual([[message.id, "sent"]]);
    expect(server.entries(message.conversation)).toHaveLength(1);
  });

  test("an acknowledgement that was lost is asked for again, with the same id and in order", async () => {
    const { client, server, wire, entries } = await online("alice");
    let lost = 0;
    server.faults.send = (frame) => (frame.type === "ack" && ++lost <= 3 ? 0 : 1);
    const sent = await Promise.all(["A", "B", "C"].map((text) => client.send({ user: "bob" }, text)));
    await until("three acknowledgements are lost", () => lost === 3);
    wire.last.cut();
    const late = await client.send({ user: "bob" }, "D");
    await client.settled(late.id);
    expect(server.entries(late.conversation).map(({ id }) => id)).toEqual([...sent, late].map(({ id }) => id));
    expect(texts(entries)).toEqual(["A", "B", "C", "D"]);
  });

  test("what is sent without a connection goes once there is one, in order", async () => {
    const { client, server, wire } = await online("alice");
    wire.unreachable = true;
    wire.last.cut();
    const sent = [];
    for (const text of ["A", "B", "C"]) sent.push(await client.send({ user: "bob" }, text));
    expect((await client.pending()).map(({ text, status }) => [text, status])).toEqual([
      ["A", "queued"],
      ["B", "queued"],
      ["C", "queued"],
    ]);
    wire.unreachable = false;
    await Promise.all(sent.map(({ id }) => client.settled(id)));
    expect(server.entries(sent[0]?.conversation ?? "").map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    expect(await client.pending()).toEqual([]);
  });

  test("at most limits.in_flight commands are on their way, counted from the oldest that is unanswered", async () => {
    const server = new FakeServer();
    server.faults.limits = { ...server.faults.limits, in_flight: 4 };
    const { client } = await online("alice", {}, server);
    const held: string[] = [];
    server.faults.receive = (frame) => frame.type === "send" && held.push(frame.id) > 0;
    const sent = await Promise.all([..."ABCDEFGH"].map((text) => client.send({ user: "bob" }, text)));
    await until("four are on their way", () => held.length === 4);
    expect(held).toEqual(sent.slice(0, 4).map(({ id }) => id));

    // An answer to the second one makes no room while the first one is unanswered.
    const [line] = server.of("alice");
    const ack = (at: number): void => {
      const { id, conversation } = sent[at] as (typeof sent)[number];
      for (const frame of line?.received ?? []) {
        if (frame.type !== "send" || frame.id !== id) continue;
        line?.send({ type: "ack", ref: frame.ref, id, conversation, seq: at + 1, timestamp: 1 });
      }
    };
    ack(1);
    await client.settled(sent[1]?.id as string);
    expect(held).toHaveLength(4);
    ack(0);
    await until("two more are on their way", () => held.length === 6);
  });

  test("a command that is refused for now comes again, before those that were sent after it", async () => {
    const { client, server, entries, errors } = await online("alice");
    const refused: string[] = [];
    server.faults.receive = (frame, line) => {
      if (frame.type !== "send" || refused.length > 0) return false;
      refused.push(frame.id);
      server.owe(line, frame.id);
      return [{ type: "error", ref: frame.ref, id: frame.id, code: "rate_limited", message: "", retry_after: 5 }];
    };
    const sent = await Promise.all(["A", "B", "C"].map((text) => client.send({ user: "bob" }, text)));
    await Promise.all(sent.map(({ id }) => client.settled(id)));
    expect(refused).toEqual([sent[0]?.id]);
    expect(texts(entries)).toEqual(["A", "B", "C"]);
    expect(errors).toEqual([]);
  });

  test("a refusal fails its message only, says why, and leaves the outbox", async () => {
    const { client, server, statuses } = await online("alice");
    server.faults.receive = (frame) =>
      frame.type === "send" && new TextDecoder().decode(frame.content) === "B"
        ? [{ type: "error", ref: frame.ref, id: frame.id, code: "refused", message: "not here", field: "content" }]
        : false;
    const sent = await Promise.all(["A", "B", "C"].map((text) => client.send({ user: "bob" }, text)));
    const settled = await Promise.all(sent.map(({ id }) => client.settled(id)));
    expect(settled.map(({ status }) => status)).toEqual(["sent", "failed", "sent"]);
    expect(settled[1]?.error).toMatchObject({ code: "refused", message: "not here", field: "content" });
    expect(statuses.filter(({ status }) => status === "failed")).toHaveLength(1);
    expect(await client.pending()).toEqual([]);
  });

  test("a fault of the server's is not taken for passing for ever", async () => {
    const { client, server } = await online("alice");
    let tries = 0;
    server.faults.receive = (frame) => {
      if (frame.type !== "send" || new TextDecoder().decode(frame.content) !== "poison") return false;
      tries++;
      return [{ type: "error", ref: frame.ref, id: frame.id, code: "internal", message: "", retry_after: 1 }];
    };
    const poison = await client.send({ user: "bob" }, "poison");
    const next = await client.send({ user: "bob" }, "next");
    expect(await client.settled(poison.id)).toMatchObject({ status: "failed" });
    expect(tries).toBe(10);
    expect(await client.settled(next.id)).toMatchObject({ status: "sent" });
  });

  test("what is too large is refused before it is queued, naming the field and the limit", async () => {
    const { client, server, wire } = await online("alice");
    const { content } = server.faults.limits;
    await expect(client.send({ user: "bob" }, new Uint8Array(content + 1))).rejects.toMatchObject({
      code: "too_large",
      field: "content",
      limit: content,
    });
    expect(await client.pending()).toEqual([]);
    const fits = await client.send({ user: "bob" }, new Uint8Array(content));
    expect(await client.settled(fits.id)).toMatchObject({ status: "sent" });
    expect(wire.sockets).toHaveLength(1);
  });

  test("a command whose parts are small but whose frame is too large is refused too", async () => {
    const { client, server } = await online("alice");
    const envelopes = Array.from({ length: 20 }, () => [newId(), new Uint8Array(16_384)] as const);
    await expect(client.send({ user: "bob" }, "x", { envelopes })).rejects.toMatchObject({
      code: "too_large",
      field: "frame",
      limit: server.faults.limits.frame,
    });
  });

  test.each([
    ["a user's name that is too long", { user: "x".repeat(129) }, "too_large", "user"],
    ["a conversation that is no UUID", { conversation: "lobby" }, "invalid", "conversation"],
  ])("%s is refused before it is queued", async (_, to, code, field) => {
    const { client } = await online("alice");
    await expect(client.send(to, "x")).rejects.toMatchObject({ code, field });
    expect(await client.pending()).toEqual([]);
  });

  test("when the server closes because of a frame's size, the command at fault fails and the others go", async () => {
    const { client, server, wire } = await online("alice");
    server.faults.receive = (frame, line) => {
      if (frame.type !== "send" || new TextDecoder().decode(frame.content) !== "B") return false;
      line.close(1009);
      return true;
    };
    // The answers to what went before are lost with the connection, so the client can't tell at once which it was.
    server.faults.send = (frame) => (frame.type === "ack" && wire.sockets.length === 1 ? 0 : 1);
    const sent = await Promise.all(["A", "B", "C"].map((text) => client.send({ user: "bob" }, text)));
    const settled = await Promise.all(sent.map(({ id }) => client.settled(id)));
    expect(settled.map(({ status }) => status)).toEqual(["sent", "failed", "sent"]);
    expect(settled[1]?.error?.code).toBe("too_large");
    expect(server.entries(sent[0]?.conversation ?? "")).toHaveLength(2);
  });

  test("an id that waits already is not queued twice", async () => {
    const { client, server, wire } = await online("alice");
    wire.unreachable = true;
    wire.last.cut();
    const id = newId();
    await client.send({ user: "bob" }, "once", { id });
    await client.send({ user: "bob" }, "once", { id });
    expect(await client.pending()).toHaveLength(1);
    wire.unreachable = false;
    const { conversation } = await client.settled(id);
    expect(server.entries(conversation)).toHaveLength(1);
  });

  test("a full outbox refuses more and drops nothing", async () => {
    const server = new FakeServer();
    const { client, wire } = await online("alice", {}, server);
    wire.unreachable = true;
    wire.last.cut();
    const content = new Uint8Array(65_000);
    let queued = 0;
    let refusal: unknown;
    for (; refusal === undefined; queued++) {
      await client.send({ user: "bob" }, content).catch((error: unknown) => {
        refusal = error;
      });
    }
    expect(refusal).toMatchObject({ code: "overloaded", field: "outbox" });
    expect(await client.pending()).toHaveLength(queued - 1);
  });

  test("what was queued before a restart is sent after it, in order, before what is new", async () => {
    const server = new FakeServer();
    const store = memoryStore();
    const first = await online("alice", { store }, server);
    first.wire.unreachable = true;
    first.wire.last.cut();
    const sent = [];
    for (const text of ["A", "B"]) sent.push(await first.client.send({ user: "bob" }, text));
    await first.client.close();
    const second = clientOf(server, "alice", { store });
    const late = await second.client.send({ user: "bob" }, "C");
    await second.client.connect();
    await second.client.settled(late.id);
    expect(server.entries(late.conversation).map(({ id }) => id)).toEqual([...sent, late].map(({ id }) => id));
    expect(texts(second.entries)).toEqual(["A", "B", "C"]);
  });

  test("the message itself, coming by the mailbox, is the acknowledgement that was lost", async () => {
    const store = memoryStore();
    const server = new FakeServer();
    const { client, wire } = await online("alice", { store }, server);
    server.faults.send = (frame) => (frame.type === "ack" ? 0 : 1);
    const message = await client.send({ user: "bob" }, "hello");
    await until("the server has it", () => server.entries(message.conversation).length === 1);
    wire.last.cut();
    expect(await client.settled(message.id)).toMatchObject({ status: "sent", seq: 1 });
  });

  test("close rejects what waits for an answer, and a later call says closed", async () => {
    const { client, server } = await online("alice");
    server.faults.receive = (frame) => frame.type === "send";
    const { id } = await client.send({ user: "bob" }, "x");
    const waiting = client.settled(id).catch((error: unknown) => error);
    await client.close();
    expect(isChatError(await waiting)).toBe(true);
    await expect(client.send({ user: "bob" }, "y")).rejects.toMatchObject({ code: "closed" });
    expect(client.state).toBe("closed");
  });

  test("an unknown id can't be waited for", async () => {
    const { client } = await online("alice");
    await expect(client.settled(newId())).rejects.toMatchObject({ code: "not_found", field: "id" });
  });
});
