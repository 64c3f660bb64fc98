import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createChatServer, developmentAuth, newId } from "sentseen";
import { memory } from "sentseen/memory";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Write } from "../../src/ports/index.js";
import { MSGPACK } from "../../src/protocol/codec.js";
import { until } from "../../src/testing/until.js";
import { written } from "../property/wire-form.js";
import { frame, HostileSocket, OP } from "./hostile-socket.js";
import { freezing } from "./support/freeze.js";
import { openHouse } from "./support/house.js";
import { intercept } from "./support/intercept.js";
import { STORES } from "./support/stores.js";
import { askForUpgrade } from "./support/upgrade.js";
import { WireClient } from "./support/wire-client.js";

describe("a server that closes", () => {
  it("tells everybody to come back, each at a moment of its own within the time it is given", async () => {
    const house = await openHouse();
    const clients = await Promise.all(Array.from({ length: 50 }, (_, i) => house.client(`user-${i}`)));
    await house.server.close({ spreadMs: 10_000 });
    const delays: number[] = [];
    for (const client of clients) {
      const [{ code, retry_after = -1 } = { code: "" }] = client.all("goaway");
      expect(code).toBe("draining");
      expect(retry_after).toBeGreaterThanOrEqual(0);
      expect(retry_after).toBeLessThan(10_000);
      delays.push(retry_after);
      expect(await client.closed()).toBe(4412);
    }
    expect(Math.min(...delays)).toBeLessThan(5_000);
    expect(Math.max(...delays)).toBeGreaterThan(5_000);
  });

  it("tells everybody to come back at once, where it is given no time", async () => {
    const house = await openHouse();
    const alice = await house.client("alice");
    await house.server.close();
    expect(await alice.closed()).toBe(4412);
    expect(alice.all("goaway")).toEqual([{ type: "goaway", code: "draining", retry_after: 0 }]);
  });

  it("turns newcomers away, and answers what it has accepted before it lets go", async () => {
    const queue = freezing("publish");
    const house = await openHouse({ aroundQueue: queue.around });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    queue.freeze();
    const refs = ["one", "two", "three"].map((text) => alice.start(alice.message({ user: "bob" }, text)));
    const sent = house.server.send({ from: "bot", to: { user: "bob" }, content: "four" });
    await until("the queue to be asked", () => queue.waiting > 0);
    const closed = house.server.close();
    await alice.next("goaway");
    const { status, headers } = await askForUpgrade(house.url);
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    await expect(house.server.send({ from: "bot", to: { user: "bob" }, content: "five" })).rejects.toMatchObject({
      code: "closed",
    });
    expect(alice.ended).toBe(null);
    queue.thaw();
    for (const ref of refs) expect(await alice.answer(ref)).toMatchObject({ type: "ack" });
    expect(await sent).toMatchObject({ seq: 1 });
    await closed;
    expect(await alice.closed()).toBe(4412);
    await house.restart();
    const again = await house.client({ user: "bob", device: bob.device });
    expect(new Set(again.texts)).toEqual(new Set(["one", "two", "three", "four"]));
  });

  it("waits for answers no longer than its deadline, and what comes again is stored once", async () => {
    const queue = freezing("publish");
    const house = await openHouse({ aroundQueue: queue.around });
    const alice = await house.client("alice");
    queue.freeze();
    const request = alice.message({ user: "bob" }, "once");
    alice.start(request);
    await until("the queue to be asked", () => queue.waiting > 0);
    await house.server.close({ deadlineMs: 50 });
    expect(await alice.closed()).toBe(4412);
    expect(alice.all("ack")).toEqual([]);
    queue.thaw();
    await house.restart();
    const back = await house.client({ user: "alice", device: alice.device });
    for (let i = 0; i < 2; i++) expect(await back.expect("ack", request)).toMatchObject({ seq: 1 });
    expect((await house.client("bob")).texts).toEqual(["once"]);
  });

  it("closes in time though a client answers nothing, or was just being let in", async () => {
    const host = freezing();
    host.freeze();
    const house = await openHouse({
      authenticate: async ({ token: user }) => {
        if (user === "slow") await host.around("authenticate", [], () => {});
        return { user };
      },
    });
    const deaf = await HostileSocket.upgraded(house.url);
    deaf.write(frame(OP.binary, written(MSGPACK, { type: "hello", token: "deaf", device: { id: newId() } })));
    await until("it to be let in", () => house.server.connections("deaf").length === 1);
    deaf.socket.pause();
    const silent = await house.socket();
    const slow = await house.socket();
    slow.hello({ user: "slow" });
    await until("the host to be asked", () => host.waiting === 1);
    const since = performance.now();
    await house.server.close();
    expect(performance.now() - since).toBeLessThan(6_000);
    expect(await Promise.all([silent.closed(), slow.closed()])).toEqual([4412, 4412]);
    host.thaw();
    expect(house.server.stats().connections).toBe(0);
    expect(house.errors).toEqual([]);
    deaf.end();
  });

  it("has written what it held in memory", async () => {
    const writes: Write[] = [];
    const house = await openHouse({
      flushMs: 10_000,
      aroundStorage(method, args, run) {
        if (method === "write") writes.push(...(args[0] as readonly Write[]));
        return run();
      },
    });
    const alice = await house.client("alice");
    await alice.say({ user: "bob" }, "for later");
    expect(writes.some(({ kind }) => kind === "mailbox")).toBe(false);
    await house.server.close();
    expect(writes.filter(({ kind }) => kind === "mailbox")).toMatchObject([{ user: "bob" }]);
    expect(writes.at(-1)).toMatchObject({ kind: "checkpoint" });
  });

  it("has told of every connection's end when it is closed, and tells nothing afterwards", async () => {
    const house = await openHouse();
    const ended: unknown[] = [];
    house.server.on("disconnect", ({ user, close_code }) => ended.push([user, close_code]));
    await Promise.all(["alice", "bob"].map((user) => house.client(user)));
    await house.server.close();
    expect(ended.sort()).toEqual([
      ["alice", 4412],
      ["bob", 4412],
    ]);
  });

  it("refuses durations that are none, and goes on", async () => {
    const house = await openHouse();
    for (const [field, value] of [
      ["spreadMs", -1],
      ["spreadMs", 0.5],
      ["deadlineMs", Number.NaN],
      ["deadlineMs", 3_600_001],
      ["soon", true],
    ] as const) {
      await expect(house.server.close({ [field]: value })).rejects.toMatchObject({ code: "config", field });
    }
    const alice = await house.client("alice");
    await alice.say({ user: "alice" }, "still here");
  });
});

describe.each(STORES)("on $name, a server that is closed under load", (store) => {
  it("has kept everything that it acknowledged", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const texts = Array.from({ length: 500 }, (_, i) => String(i));
    for (const text of texts) alice.start(alice.message({ user: "bob" }, text));
    await until("some to be acknowledged", () => alice.all("ack").length > 0);
    await house.server.close();
    await alice.closed();
    const kept = alice.all("ack").length;
    await house.restart();
    const again = await house.client({ user: "bob", device: bob.device });
    await until("what was acknowledged", () => again.texts.length >= kept);
    expect(again.texts).toEqual(texts.slice(0, again.texts.length));
  });
});

describe("closing again, or early, does no harm:", () => {
  const make = (parts = memory()) => createChatServer({ ...parts, authenticate: developmentAuth() });

  it("at the same time and afterwards: everything is closed once", async () => {
    const closed: string[] = [];
    const watched = <T extends object>(name: string, part: T): T =>
      intercept(part, (method, _args, run) => {
        if (method === "close") closed.push(name);
        return run();
      });
    const { storage, queue, registry } = memory();
    const chat = make({
      storage: watched("storage", storage),
      queue: watched("queue", queue),
      registry: watched("registry", registry),
    });
    await chat.listen({ port: 0 });
    await Promise.all([chat.close(), chat.close({ spreadMs: 1_000 }), chat.close()]);
    await chat.close();
    await chat[Symbol.asyncDispose]();
    expect(closed).toEqual(["queue", "storage", "registry"]);
  });

  it("before it was started", async () => {
    const chat = make();
    await chat.close();
    await expect(chat.start()).rejects.toMatchObject({ code: "closed" });
  });

  it("while it is starting, or is about to listen: what was opened is closed", async () => {
    const opening = freezing("open");
    opening.freeze();
    const calls: string[] = [];
    const watched = <T extends object>(name: string, part: T): T =>
      intercept(part, async (method, args, run) => {
        if (method === "open" || method === "close") calls.push(`${method} ${name}`);
        return name === "storage" ? opening.around(method, args, run) : run();
      });
    const { storage, queue, registry } = memory();
    const chat = make({
      storage: watched("storage", storage),
      queue: watched("queue", queue),
      registry: watched("registry", registry),
    });
    const refused = expect(chat.listen({ port: 0 })).rejects.toMatchObject({ code: "closed" });
    await until("it to open storage", () => opening.waiting === 1);
    const closed = chat.close();
    opening.thaw();
    await Promise.all([refused, closed]);
    expect(calls.slice(0, 3).every((call) => call.startsWith("open"))).toBe(true);
    expect(calls.slice(3).sort()).toEqual(["close queue", "close registry", "close storage"]);
    await expect(chat.send({ from: "a", to: { user: "b" }, content: "c" })).rejects.toMatchObject({ code: "closed" });
  });

  it("at the end of a block", async () => {
    let url = "";
    {
      await using chat = make();
      url = (await chat.listen({ port: 0 })).url;
      expect(await askForUpgrade(url)).toMatchObject({ status: 101 });
    }
    await expect(askForUpgrade(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("from what the server itself calls", async () => {
    const chat = make();
    const { url } = await chat.listen({ port: 0 });
    const closed = new Promise<void>((resolve, reject) => {
      chat.on("connect", () => chat.close().then(resolve, reject));
    });
    const client = await WireClient.open(url);
    client.hello({ user: "alice" });
    await closed;
    expect(await client.closed()).toBe(4412);
  });

  it("and a part that can't be closed is told of, and keeps no other one open", async () => {
    const closed: string[] = [];
    const parts = memory();
    const fault = new Error("can't be closed");
    const watched = <T extends object>(name: string, part: T): T =>
      intercept(part, (method, _args, run) => {
        if (method === "close") closed.push(name);
        return method === "close" && name === "queue" ? Promise.reject(fault) : run();
      });
    const { storage, queue, registry } = parts;
    const chat = make({
      ...parts,
      storage: watched("storage", storage),
      queue: watched("queue", queue),
      registry: watched("registry", registry),
    });
    await chat.start();
    await expect(chat.close()).rejects.toBe(fault);
    expect(closed).toEqual(["queue", "storage", "registry"]);
    await expect(chat.close()).rejects.toBe(fault);
  });

  it("after a start that failed, whose parts are closed", async () => {
    const parts = memory();
    const fault = new Error("no disk");
    let closed = 0;
    const storage = intercept(parts.storage, (method, _args, run) => {
      if (method === "close") closed++;
      return method === "open" ? Promise.reject(fault) : run();
    });
    const chat = make({ ...parts, storage });
    await expect(chat.listen({ port: 0 })).rejects.toBe(fault);
    expect(closed).toBe(1);
    await chat.close();
    await expect(chat.start()).rejects.toMatchObject({ code: "closed" });
  });
});

it("a process whose server is closed ends by itself", async () => {
  const directory = await mkdtemp(join(tmpdir(), "sentseen-close-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const child = fork(fileURLToPath(new URL("./support/serve-and-close.ts", import.meta.url)), [directory], {
    execArgv: ["--conditions=sentseen-source", "--import", "tsx"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit", { signal: AbortSignal.timeout(25_000) });
  const [message] = await once(child, "message", { signal: AbortSignal.timeout(20_000) });
  expect(message).toEqual({ listening: true, codes: [4412, 4412] });
  const since = performance.now();
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - since).toBeLessThan(5_000);
});
