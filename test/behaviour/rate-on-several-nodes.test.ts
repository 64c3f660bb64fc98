import { ChatError } from "sentseen";
import { describe, expect, it } from "vitest";
import type { Grant, RateLimiter } from "../../src/ports/rate-limiter.js";
import { until } from "../../src/testing/until.js";
import { openNodes } from "./support/nodes.js";
import type { Request, WireClient } from "./support/wire-client.js";

const BURST = 100;
/** A tenth of the burst, with such a rate. */
const SHARE = 10;
const RATE = { per_second: 1_000, burst: BURST };

/** Counts in this process, and nothing comes back with time; or it is away. */
class Limiter implements RateLimiter {
  readonly contract = 1;
  readonly scope = "cluster";
  readonly left = new Map<string, number>();
  calls = 0;
  away = false;
  /** It answers when this has resolved. */
  held: Promise<void> = Promise.resolve();

  constructor(readonly whenAway: "pass" | "refuse") {}

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  async take(_rate: unknown, wanted: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, Grant>> {
    this.calls++;
    await this.held;
    if (this.away) throw new ChatError("store_unavailable");
    return new Map(
      [...wanted].map(([user, count]) => {
        const left = this.left.get(user) ?? BURST;
        const granted = Math.min(left, count);
        this.left.set(user, left - granted);
        return [user, { granted, wait: granted < count ? 60_000 : 0 }];
      }),
    );
  }
}

/** Somebody who sends as fast as it is answered, and what is refused first of all again. */
class Sender {
  private owed: Request | null = null;

  constructor(private readonly client: WireClient) {}

  /** Sends until it is refused, or so often. Answers how many were accepted. */
  async say(most: number): Promise<number> {
    for (let said = 0; said < most; said++) {
      this.owed ??= this.client.message({ user: "bob" }, "hi");
      const answer = await this.client.ask(this.owed);
      if (answer.type === "error") {
        expect(answer).toMatchObject({ code: "rate_limited" });
        return said;
      }
      this.owed = null;
    }
    return most;
  }
}

/** Two gateways that share a limiter, and alice at each. */
async function aliceTwice(limiter: Limiter): Promise<[Sender, Sender]> {
  const { all } = await openNodes({ roles: [undefined, undefined], options: { rateLimiter: limiter, rate: RATE } });
  const [one, two] = await Promise.all(all.map((node) => node.client("alice")));
  return [new Sender(one as WireClient), new Sender(two as WireClient)];
}

describe("what a user may do is counted for all gateways together", () => {
  it("who goes from one to the other doesn't get more than a share beyond", async () => {
    const limiter = new Limiter("pass");
    const [one, two] = await aliceTwice(limiter);
    const first = await one.say(10 * BURST);
    const second = await two.say(10 * BURST);
    expect(first).toBeGreaterThanOrEqual(BURST - SHARE);
    expect(first + second).toBeLessThanOrEqual(BURST + 2 * SHARE);
  });

  it("a limiter is asked for many at a time", async () => {
    const limiter = new Limiter("pass");
    const [one] = await aliceTwice(limiter);
    expect(await one.say(BURST / 2)).toBe(BURST / 2);
    expect(limiter.calls).toBeLessThanOrEqual(BURST / SHARE + 1);
  });

  it("before it has answered, however long that takes, a share passes on credit and no more", async () => {
    const limiter = new Limiter("pass");
    let answer = (): void => {};
    limiter.held = new Promise((resolve) => {
      answer = resolve;
    });
    const [one] = await aliceTwice(limiter);
    expect(await one.say(BURST)).toBe(SHARE);
    answer();
    await until("commands to be accepted again", async () => (await one.say(1)) === 1);
  });

  it("while it is away each gateway counts alone, where commands are to pass", async () => {
    const limiter = new Limiter("pass");
    limiter.away = true;
    const [one, two] = await aliceTwice(limiter);
    expect(await one.say(BURST)).toBe(BURST);
    expect(await two.say(BURST)).toBe(BURST);
  });

  it("while it is away a share passes on credit and no more, where they are to be refused; and then again", async () => {
    const limiter = new Limiter("refuse");
    limiter.away = true;
    const [one] = await aliceTwice(limiter);
    expect(await one.say(BURST)).toBeLessThanOrEqual(SHARE);
    limiter.away = false;
    await until("commands to be accepted again", async () => (await one.say(1)) === 1);
  });
});
