import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchChromium } from "./chromium.js";
import { Quickstart } from "./quickstart-process.js";

// One browser, two tabs, two names: what somebody sees who tries it for the first time.

let browser: Browser;
let server: Quickstart;
let context: BrowserContext;
let problems: string[];

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), Quickstart.start()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.remove();
});

beforeEach(async () => {
  problems = [];
  context = await browser.newContext();
  context.setDefaultTimeout(20_000);
});

afterEach(async () => {
  await context.close();
  expect(problems).toEqual([]);
});

/** Opens a tab in which somebody of this name has signed in. */
async function tab(name: string): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  await page.goto(server.url);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Start chatting" }).click();
  await online(page);
  return page;
}

const online = (page: Page) => page.locator("#connection[data-state=online]").waitFor();
const row = (page: Page, title: string) => page.locator("#conversations button", { hasText: title });
const message = (page: Page, text: string) => page.locator("#messages .message", { hasText: text });
const status = (page: Page, text: string, wanted: string) =>
  message(page, text).locator(`.ticks[data-status=${wanted}]`).waitFor();
const texts = (page: Page) => page.locator("#messages .message .text").allTextContents();

async function openChat(page: Page, user: string): Promise<void> {
  await page.getByRole("button", { name: "New chat" }).click();
  await page.getByLabel("With whom?").fill(user);
  await page.getByRole("button", { name: "Open" }).click();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

describe("two tabs with two names", () => {
  test("chat, and the sender sees sent, delivered and read", async () => {
    const alice = await tab("alice");
    await openChat(alice, "bob");
    await say(alice, "are you there?");
    await status(alice, "are you there?", "sent");

    const bob = await tab("bob");
    await status(alice, "are you there?", "delivered");
    await row(bob, "alice").locator(".unread", { hasText: "1" }).waitFor();
    expect(await bob.title()).toContain("(1)");

    await row(bob, "alice").click();
    await status(alice, "are you there?", "read");
    await row(bob, "alice").locator(".unread").waitFor({ state: "detached" });

    await say(bob, "yes, here");
    await message(alice, "yes, here").waitFor();
    await status(bob, "yes, here", "read");
    expect(await texts(alice)).toEqual(["are you there?", "yes, here"]);
  });

  test("keep what is written offline, send it in order when the network is back, and once", async () => {
    const carol = await tab("carol");
    const dave = await tab("dave");
    await openChat(carol, "dave");
    await say(carol, "one");
    await row(dave, "carol").click();
    await status(carol, "one", "read");

    await context.setOffline(true);
    await carol.locator("#connection[data-state=waiting]").waitFor();
    await say(carol, "two");
    await say(carol, "three");
    await status(carol, "three", "queued");
    await carol.getByText("You are offline").waitFor();

    await context.setOffline(false);
    await status(carol, "three", "read");
    expect(await texts(dave)).toEqual(["one", "two", "three"]);
    expect(await texts(carol)).toEqual(["one", "two", "three"]);
  });

  test("find their messages, their ticks and the open conversation again after a reload", async () => {
    const erin = await tab("erin");
    const frank = await tab("frank");
    await openChat(erin, "frank");
    await say(erin, "before the reload");
    await row(frank, "erin").click();
    await status(erin, "before the reload", "read");

    await erin.reload();
    await status(erin, "before the reload", "read");
    await online(erin);
    await say(erin, "after the reload");
    await message(frank, "after the reload").waitFor();
    expect(await texts(erin)).toEqual(["before the reload", "after the reload"]);
  });

  test("talk in a group, rename it and leave it", async () => {
    const [grace, heidi] = [await tab("grace"), await tab("heidi")];
    await grace.getByRole("button", { name: "New group" }).click();
    await grace.getByLabel("Name", { exact: true }).fill("Friday lunch");
    await grace.getByLabel("Members").fill("heidi");
    await grace.getByRole("button", { name: "Create" }).click();
    await say(grace, "pizza?");

    await row(heidi, "Friday lunch").click();
    await message(heidi, "pizza?").locator(".sender", { hasText: "grace" }).waitFor();
    await status(grace, "pizza?", "read");

    // A tab behind another one draws once a second, and clicks wait for that.
    await grace.bringToFront();
    await grace.getByRole("button", { name: "Details" }).click();
    await grace.getByLabel("Name", { exact: true }).fill("Friday dinner");
    await grace.getByRole("button", { name: "Save" }).click();
    await row(heidi, "Friday dinner").waitFor();

    await heidi.bringToFront();
    await heidi.getByRole("button", { name: "Details" }).click();
    await heidi.getByRole("button", { name: "Leave group" }).click();
    await grace.locator("#messages .change", { hasText: "heidi left" }).waitFor();
    await heidi.getByText("You are no longer in this group").waitFor();
  });
});

test("a second tab of the same name is told that the first one has the chat", async () => {
  await tab("ivan");
  const second = await context.newPage();
  await second.goto(`${server.url}/?as=ivan`);
  await second.locator("#connection[data-state=closed]").waitFor();
  await second.getByRole("button", { name: "Use it here" }).waitFor();
});

test("the page is usable on a phone: one pane at a time, and back", async () => {
  const page = await tab("judy");
  await page.setViewportSize({ width: 390, height: 844 });
  await openChat(page, "kim");
  await say(page, "from a phone");
  expect(await page.locator(".sidebar").isVisible()).toBe(false);
  await page.getByRole("button", { name: "Back to the conversations" }).click();
  await row(page, "kim").waitFor();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  expect(overflow).toBe(false);
});

test("Ctrl-C drains the server, and a new start has everything", async () => {
  const leo = await tab("leo");
  await openChat(leo, "mia");
  await say(leo, "kept for mia");
  await status(leo, "kept for mia", "sent");
  expect(await server.stop()).toContain("sentseen has stopped");
  server = await Quickstart.start(server.directory, server.port);
  await online(leo);
  const mia = await tab("mia");
  await row(mia, "leo").click();
  await message(mia, "kept for mia").waitFor();
});
