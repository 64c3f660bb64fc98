import { newId } from "sentseen";
import { describe, expect, it } from "vitest";
import { JSON_TEXT } from "../../src/protocol/codec.js";
import { until } from "../../src/testing/until.js";
import { type House, openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import type { WireClient } from "./support/wire-client.js";

const KIB = 1024;
/** Far more than the kernel takes for a socket that isn't read. */
const LARGE = 150;

function waitingBytes(house: House, user: string): number {
  return Math.max(...house.server.connections(user).map(({ waiting_bytes }) => waiting_bytes));
}

/** Sends so much to someone who reads nothing that the connection is stuck. */
async function flood(house: House, from: WireClient, user: string): Promise<string[]> {
  const content = new Uint8Array(60 * KIB);
  const ids = Array.from({ length: LARGE }, () => newId());
  for (let i = 0; i < ids.length; i += 10) {
    const sends = ids
      .slice(i, i + 10)
      .map((id) => ({ type: "send", id, user, content_type: "file", content }) as const);
    await Promise.all(sends.map((send) => from.expect("ack", send)));
  }
  expect(waitingBytes(house, user)).toBeGreaterThan(0);
  return ids;
}

describe.each(STORES)("one of 200 connections that doesn't read, on $name,", (store) => {
  it("holds nobody up, takes no memory to speak of, and gets everything in order when it reads on", async () => {
    const house = await openHouse({ store });
    const names = Array.from({ length: 50 }, (_, i) => `user ${i}`);
    const { conversation } = await house.group("alice", [...names, "slow"]);
    const alice = await house.client("alice");
    const slow = await house.client("slow");
    const others = await Promise.all(names.flatMap((name) => Array.from({ length: 4 }, () => house.client(name))));

    slow.socket.pause();
    const ids = await flood(house, alice, "slow");
    for (let i = 0; i < 20; i++) ids.push((await alice.say({ conversation }, `text ${i}`)).id);
    await Promise.all(others.map((other) => other.gets("text 19")));
    expect(others.map(({ texts }) => texts.length)).toEqual(others.map(() => 20));
    expect(waitingBytes(house, "slow")).toBeLessThan(400 * KIB);

    slow.socket.resume();
    await slow.gets("text 19");
    expect(slow.all("message").map(({ id }) => id)).toEqual(ids);
    expect(slow.all("synced")).toHaveLength(1);
    expect(await alice.say({ user: "slow" }, "live again")).toMatchObject({ seq: LARGE + 1 });
    await slow.gets("live again");
  });
});

describe("a connection that was slow", () => {
  it("is told that receipts were left out, and can ask for them", async () => {
    const house = await openHouse({ receiptsMs: 1 });
    const [slow, alice, bob] = [await house.client("slow"), await house.client("alice"), await house.client("bob")];
    const { conversation } = await slow.say({ user: "bob" }, "hello");
    slow.socket.pause();
    await flood(house, alice, "slow");
    bob.send({ type: "receipt", read: [[conversation, 1]] });
    const readByBob = async () => {
      const { watermarks } = await bob.expect("watermarks", { type: "receipts", conversations: [conversation] });
      return watermarks.some(({ user, read }) => user === "bob" && read === 1);
    };
    await until("the receipt's arrival", readByBob);
    await bob.caughtUp();
    slow.socket.resume();
    await slow.next("stale");
    await slow.until("everything missed", () => slow.all("message").length === LARGE);
    expect(slow.all("receipt")).toEqual([]);
    const stale = slow.all("stale").length;
    const { watermarks } = await slow.expect("watermarks", { type: "receipts", conversations: [conversation] });
    expect(watermarks).toContainEqual({ conversation, user: "bob", delivered: 1, read: 1 });

    const again = await slow.say({ user: "bob" }, "hello again");
    bob.send({ type: "receipt", read: [[conversation, again.seq]] });
    await slow.next("receipt");
    expect(slow.all("stale")).toHaveLength(stale);
  });
});

describe("a connection that asks and doesn't read the answers", () => {
  it("isn't listened to until it does, so that they don't pile up", async () => {
    const house = await openHouse();
    const client = await house.client("alice", { subProtocol: JSON_TEXT });
    const bystander = await house.client("bob");
    client.socket.pause();
    const pings = 150_000;
    const hundred = JSON.stringify(Array.from({ length: 100 }, () => ({ type: "ping" })));
    for (let i = 0; i < pings; i += 100) client.socket.send(hundred);
    let most = 0;
    let steady = 0;
    const listensNoMore = async () => {
      await bystander.caughtUp();
      const waiting = waitingBytes(house, "alice");
      steady = waiting > 0 && waiting <= most ? steady + 1 : 0;
      most = Math.max(most, waiting);
      return steady > 50;
    };
    await until("the server to listen no more", listensNoMore, 20_000);
    expect(most).toBeLessThan(1024 * KIB);
    client.socket.resume();
    const pongs = () => client.all("pong").length;
    await until("every pong", () => pongs() === pings, 20_000);
  });
});
