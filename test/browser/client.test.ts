import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../src/testing/until.js";
import { launchChromium } from "./chromium.js";
import type { InPage } from "./client-in-page.js";
import { ClientPage } from "./client-page.js";

// The client as a browser runs it: native WebSocket, IndexedDB, Web Locks, the events of a page.

declare const inPage: InPage;
declare let chat: ReturnType<InPage["openClient"]>;

let browser: Browser;
let server: ClientPage;
let context: BrowserContext;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
});

beforeEach(async () => {
  server = await ClientPage.start();
  context = await browser.newContext();
});

afterEach(async () => {
  await context.close();
  await server.close();
});

async function open(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.url);
  await page.waitForFunction(() => "inPage" in globalThis);
  return page;
}

/** A page whose client is connected as this user. */
async function online(user: string, page?: Page): Promise<Page> {
  const opened = page ?? (await open());
  await opened.evaluate(async (name) => {
    Object.assign(globalThis, { chat: inPage.openClient(name) });
    await chat.client.connect();
  }, user);
  return opened;
}

const texts = (page: Page) => page.evaluate(() => chat.told.texts);
const say = (page: Page, user: string, text: string) =>
  page.evaluate(
    async ([to, what]) => (await chat.client.send({ user: to as string }, what as string)).id,
    [user, text],
  );

describe("IndexedDB", () => {
  test("keeps to the contract of client stores", async () => {
    const page = await open();
    const results = await page.evaluate(() => inPage.runContract());
    expect(results.length).toBeGreaterThan(5);
    expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
  });
});

describe("a client in a page", () => {
  test("sends, receives and sees its message read", async () => {
    const [alice, bob] = [await online("alice"), await online("bob")];
    await say(alice, "bob", "hello");
    await until("bob has it", async () => (await texts(bob)).includes("hello"));
    await bob.evaluate(async () => {
      const [first] = await chat.client.conversations();
      if (first !== undefined) await chat.client.markRead(first.conversation);
    });
    const statuses = () => alice.evaluate(() => chat.told.statuses);
    await until("alice sees it read", async () => (await statuses()).includes("hello read"));
  });

  test("a second tab of the same user is refused, and takes over once the first is gone", async () => {
    const first = await online("alice");
    const second = await open();
    const connect = () =>
      second.evaluate(async () => {
        const opened = inPage.openClient("alice");
        return opened.client.connect().then(
          () => "online",
          (error: { code: string }) => error.code,
        );
      });
    expect(await connect()).toBe("in_use");
    await first.close();
    expect(await connect()).toBe("online");
  });

  test("what was queued without a network survives a reload and goes out once, in order", async () => {
    const bob = await online("bob");
    const alice = await online("alice");
    await context.setOffline(true);
    await server.chat.disconnect({ user: "alice" });
    await say(alice, "bob", "one");
    await say(alice, "bob", "two");
    await context.setOffline(false);
    await alice.reload();
    await alice.waitForFunction(() => "inPage" in globalThis);
    await online("alice", alice);
    await say(alice, "bob", "three");
    await until("bob has all", async () => (await texts(bob)).length >= 3);
    expect(await texts(bob)).toEqual(["one", "two", "three"]);
    expect(await texts(alice)).toEqual(["one", "two", "three"]);
  });

  test("what was seen before a reload isn't told again, and is in the history", async () => {
    const [alice, bob] = [await online("alice"), await online("bob")];
    await say(alice, "bob", "before");
    await until("bob has it", async () => (await texts(bob)).length === 1);
    await bob.reload();
    await bob.waitForFunction(() => "inPage" in globalThis);
    await online("bob", bob);
    await say(alice, "bob", "after");
    await until("bob has it", async () => (await texts(bob)).includes("after"));
    expect(await texts(bob)).toEqual(["after"]);
    const history = await bob.evaluate(async () => {
      const [first] = await chat.client.conversations();
      const { entries } = await chat.client.history(first?.conversation ?? "");
      return entries.map((entry) => (entry.type === "message" ? entry.text : ""));
    });
    expect(history).toEqual(["before", "after"]);
  });
});
