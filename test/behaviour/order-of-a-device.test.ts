import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type House, openHouse } from "./support/house.js";
import { STORES } from "./support/stores.js";
import type { Request, WireClient } from "./support/wire-client.js";

const TEXTS = Array.from({ length: 60 }, (_, i) => `text ${i}`);

/** Sends all at once, and again from the first that is refused for now, as a client does. */
async function sendAll(client: WireClient, texts: readonly string[]): Promise<number> {
  let left: Request[] = texts.map((text) => client.message({ user: "bob" }, text));
  let refusals = 0;
  while (left.length > 0) {
    const answers = await Promise.all(left.map((request) => client.ask(request)));
    const refused = answers.findIndex(({ type }) => type === "error");
    if (refused < 0) break;
    refusals++;
    const { code, retry_after } = answers[refused] as { code?: string; retry_after?: number };
    expect(code).toBe("rate_limited");
    expect(retry_after).toBeGreaterThan(0);
    left = left.slice(refused);
    await sleep(retry_after);
  }
  return refusals;
}

async function expectInOrder(house: House, texts: readonly string[]): Promise<void> {
  const bob = await house.client("bob");
  await bob.gets(...texts);
  expect(bob.texts).toEqual(texts);
  expect(bob.all("message").map(({ seq }) => seq)).toEqual(texts.map((_, i) => i + 1));
}

describe.each(STORES)("what one device sends, on $name, keeps its order", (store) => {
  it("when it is sent without waiting", async () => {
    const house = await openHouse({ store });
    const alice = await house.client("alice");
    expect(await sendAll(alice, TEXTS)).toBe(0);
    await expectInOrder(house, TEXTS);
  });

  it("when the host's hook takes a different while for each", async () => {
    let calls = 0;
    const asked: string[] = [];
    const beforeSend = async ({ content }: { content: Uint8Array }) => {
      asked.push(new TextDecoder().decode(content));
      await sleep([5, 0, 3, 0, 1][calls++ % 5] ?? 0);
      return undefined;
    };
    const house = await openHouse({ store, hooks: { beforeSend } });
    const alice = await house.client("alice");
    await sendAll(alice, TEXTS);
    expect(asked).toEqual(TEXTS);
    await expectInOrder(house, TEXTS);
  });

  it("when the rate limit strikes in the middle of a pipeline", async () => {
    const house = await openHouse({ store, rate: { per_second: 100, burst: 10 } });
    const alice = await house.client("alice");
    expect(await sendAll(alice, TEXTS)).toBeGreaterThan(0);
    await expectInOrder(house, TEXTS);
  });

  it("when a group command is among the messages", async () => {
    const beforeSend = async () => {
      await sleep(2);
      return undefined;
    };
    const house = await openHouse({ store, hooks: { beforeSend } });
    const alice = await house.client("alice");
    const bob = await house.client("bob");
    const { conversation } = await house.group("alice", ["bob"]);
    const requests: Request[] = [
      alice.message({ conversation }, "before"),
      { type: "group.rename", id: crypto.randomUUID(), conversation, name: "between" },
      alice.message({ conversation }, "after"),
    ];
    const answers = await Promise.all(requests.map((request) => alice.expect("ack", request)));
    expect(answers.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    await bob.gets("after");
    const came = bob.frames.filter(({ type }) => type === "message" || type === "change");
    expect(came).toMatchObject([
      { change: { kind: "created" } },
      { type: "message", seq: 2 },
      { change: { kind: "renamed" } },
      { type: "message", seq: 4 },
    ]);
  });
});

describe("a command that is refused for now", () => {
  it("lets nothing of its connection overtake it, and no one else wait", async () => {
    const house = await openHouse({ rate: { per_second: 1, burst: 2 } });
    const alice = await house.client("alice");
    const carol = await house.client("carol");
    const requests = ["one", "two", "three", "four"].map((text) => alice.message({ user: "bob" }, text));
    const answers = await Promise.all(requests.map((request) => alice.ask(request)));
    expect(answers.map(({ type }) => type)).toEqual(["ack", "ack", "error", "error"]);
    expect(await carol.say({ user: "bob" }, "not limited")).toMatchObject({ seq: 1 });

    // There would be a token again by the time, but it is the third one's.
    await sleep((answers[2] as { retry_after: number }).retry_after);
    expect(await alice.refused(requests[3] as Request)).toMatchObject({ code: "rate_limited" });
    expect(await alice.expect("ack", requests[2] as Request)).toMatchObject({ seq: 3 });
  });
});
