import { createServer } from "node:net";
import { newId } from "sentseen";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "../../src/testing/until.js";
import { openHouse } from "./support/house.js";

const error = (code: string, detail: object = {}) => expect.objectContaining({ code, ...detail });

describe("the connections of a server", () => {
  it("are those that were let in, of all users or of one", async () => {
    const house = await openHouse();
    const alice = await house.client("alice");
    await house.client("alice", { subProtocol: "sentseen.v1.json" });
    await house.client("bob");
    await house.socket();
    expect(house.server.connections().map(({ user }) => user)).toEqual(["alice", "alice", "bob"]);
    expect(house.server.connections("alice")).toEqual([
      {
        user: "alice",
        device: alice.device,
        sub_protocol: "sentseen.v1.msgpack",
        in_flight: 0,
        waiting_bytes: expect.any(Number),
      },
      expect.objectContaining({ user: "alice", sub_protocol: "sentseen.v1.json" }),
    ]);
    expect(house.server.connections("carol")).toEqual([]);
    expect(house.server.stats()).toMatchObject({ connections: 4, users: 2, dead_letters: 0 });
  });

  it("are ended for good, a user's or one device's, and nobody else's", async () => {
    const house = await openHouse();
    const [one, two, three] = await Promise.all([house.client("alice"), house.client("alice"), house.client("alice")]);
    const bob = await house.client("bob");
    expect(await house.server.disconnect({ user: "alice", device: newId() })).toBe(0);
    expect(await house.server.disconnect({ user: "alice", device: one.device })).toBe(1);
    expect(await one.closed()).toBe(4502);
    expect(one.all("error")).toMatchObject([{ code: "disconnected" }]);
    expect(await house.server.disconnect({ user: "alice" })).toBe(2);
    expect(await Promise.all([two.closed(), three.closed()])).toEqual([4502, 4502]);
    await bob.caughtUp();
    await until("alice to be gone", () => house.server.connections("alice").length === 0);
  });
});

describe("a device that the host removes", () => {
  it("is disconnected, and holds nothing back any more", async () => {
    const house = await openHouse();
    const gone = await house.client("bob");
    await house.server.send({ from: "bot", to: { user: "bob" }, content: "hello" });
    await gone.gets("hello");
    await house.server.removeDevice("bob", gone.device.toUpperCase());
    expect(await gone.closed()).toBe(4502);
    await house.settled();
    expect(await house.parts.storage.devices("bob")).toEqual([]);
    // Nobody has been told of what it had, so it starts anew.
    const back = await house.client({ user: "bob", device: gone.device, position: gone.position });
    expect(back.all("welcome")).toMatchObject([{ gap: true }]);
  });

  it("has to be one", async () => {
    const house = await openHouse();
    await expect(house.server.removeDevice("bob", "phone")).rejects.toEqual(error("invalid", { field: "device" }));
    await expect(house.server.removeDevice("", newId())).rejects.toEqual(error("invalid", { field: "user" }));
    await house.server.removeDevice("bob", newId());
  });
});

describe("the events of a server", () => {
  it("tell of connections, of everything that was stored, and stop when they are taken off", async () => {
    const house = await openHouse();
    const told: unknown[] = [];
    house.server.on("connect", ({ user, device }) => told.push(["connect", user, device]));
    house.server.on("disconnect", ({ user, close_code }) => told.push(["disconnect", user, close_code]));
    const off = house.server.on("message", ({ type, sender, seq }) => told.push([type, sender, seq]));
    const alice = await house.client("alice");
    await alice.say({ user: "bob" }, "hello");
    await house.group("bob", []);
    off();
    await alice.say({ user: "bob" }, "not told");
    await alice.leave();
    await until("the end", () => told.length === 4);
    expect(told).toEqual([
      ["connect", "alice", alice.device],
      ["message", "alice", 1],
      ["change", "bob", 1],
      ["disconnect", "alice", 1000],
    ]);
  });

  it("whose listener throws or rejects disturb nobody, and are told as an error", async () => {
    const house = await openHouse();
    const told: string[] = [];
    for (const event of ["connect", "disconnect", "message", "error"] as const) {
      house.server.on(event, () => {
        throw new Error(event);
      });
      house.server.on(event, async () => {
        throw new Error(`${event}, later`);
      });
      house.server.on(event, () => void told.push(event));
    }
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    await alice.say({ user: "bob" }, "hello");
    await bob.gets("hello");
    await bob.leave();
    await until("all to be told", () => house.errors.length >= 8);
    const twice = ["connect", "connect", "message", "disconnect"].flatMap((event) => [event, `${event}, later`]);
    expect(house.errors.map((one) => (one as Error).message).sort()).toEqual(twice.sort());
    expect(told.filter((event) => event !== "error")).toEqual(["connect", "connect", "message", "disconnect"]);
    expect(told.filter((event) => event === "error")).toHaveLength(8);
  });
});

describe("listening", () => {
  it("at a second place serves both, and closing ends both", async () => {
    const house = await openHouse();
    const second = await house.server.listen({ port: 0, path: "/other" });
    const first = house.url;
    await house.client("alice");
    house.url = second.url;
    const bob = await house.client("bob");
    const placed = await house.server.send({ from: "alice", to: { user: "bob" }, content: "hello" });
    await bob.gets("hello");
    expect(placed.seq).toBe(1);
    await house.server.close();
    for (const url of [first, second.url]) {
      house.url = url;
      await expect(house.socket()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    }
  });

  it("at a port that is taken rejects, and the server can listen elsewhere", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await until("the port", () => taken.listening);
    const house = await openHouse();
    const { port } = taken.address() as { port: number };
    await expect(house.server.listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    house.url = (await house.server.listen({ port: 0 })).url;
    await house.client("alice");
  });
});
