import type { Authenticate } from "sentseen";
import { expect, onTestFinished, test } from "vitest";
import { type ChatClient, type ChatState, createChatClient, type TokenSource } from "../../src/client/node.js";
import { fakeClock } from "../../src/testing/fake-clock.js";
import { until } from "../../src/testing/until.js";
import { type House, openHouse } from "./support/house.js";
import { holdWheel } from "./support/wheel.js";

// What a client does about a token that the server, as it is, refuses.

interface Told {
  readonly client: ChatClient;
  readonly states: ChatState[];
  readonly reasons: string[];
}

function clientOf(house: House, token: TokenSource): Told {
  const client = createChatClient({ url: house.url, token, random: () => 0.01 });
  onTestFinished(() => client.close());
  const states: ChatState[] = [];
  const reasons: string[] = [];
  client.on("state", (state, reason) => {
    states.push(state);
    if (reason !== undefined) reasons.push(reason.code);
  });
  return { client, states, reasons };
}

test("a refused token makes the client wait, ask for a fresh one and come back", async () => {
  const house = await openHouse({ authenticate: ({ token }) => (token === "3" ? { user: "alice" } : null) });
  let asked = 0;
  const { client, states, reasons } = clientOf(house, () => String(++asked));
  await client.connect();
  expect(asked).toBe(3);
  expect(reasons).toEqual(["token_refused", "token_refused"]);
  expect(states.slice(0, 5)).toEqual(["connecting", "waiting", "connecting", "waiting", "connecting"]);
  expect(states).not.toContain("idle");
  expect(house.errors).toEqual([]);
});

test("a token that runs out on an open connection ends it, and the client comes back with a fresh one", async () => {
  const clock = fakeClock();
  const authenticate: Authenticate = ({ token }) => ({ user: "alice", expires_at: Number(token) });
  const wheel = holdWheel();
  const house = await openHouse({ authenticate, now: clock.now });
  const { client, reasons } = clientOf(house, () => String(clock.now() + 60_000));
  await client.connect();
  clock.advance(60_000);
  await wheel.pass(5);
  await until("the connection's end", () => reasons.includes("token_refused"));
  await until("the client to be back", () => client.state === "online");
  const { id } = await client.send({ user: "bob" }, "still me");
  expect(await client.settled(id)).toMatchObject({ status: "sent" });
});

test("a token that is a text is tried again as it is", async () => {
  let refuse = true;
  const house = await openHouse({ authenticate: ({ token: user }) => (refuse ? null : { user }) });
  const { client, reasons } = clientOf(house, "alice");
  const connected = client.connect();
  await until("the refusal", () => reasons.length > 0);
  refuse = false;
  await connected;
  expect(house.server.connections("alice")).toHaveLength(1);
});
