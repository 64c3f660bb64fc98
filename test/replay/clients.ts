/** A process of clients: some of the users of a replay. Takes orders from its parent and answers each. */
import { WebSocket } from "ws";
import type { SocketConstructor } from "../../src/client/index.js";
import { FaultyProxy } from "../chaos/proxy.js";
import { Member } from "./member.js";
import type { Answer, Done, Numbered, Order } from "./orders.js";

// A network that works needs no proxy.
const network = process.argv[2] === "faults" ? await FaultyProxy.open(0) : null;
let port = network?.port ?? 0;
const members = new Map<string, Member>();

function answer(given: Answer): void {
  process.send?.(given);
}

function member(user: string): Member {
  const known = members.get(user);
  if (known !== undefined) return known;
  const url = `ws://127.0.0.1:${port}/chat`;
  const violated = (violation: string): void => answer({ number: 0, violation });
  const made = new Member(user, url, WebSocket as unknown as SocketConstructor, violated);
  members.set(user, made);
  return made;
}

async function carryOut(order: Order): Promise<Done> {
  switch (order.do) {
    case "port":
      if (network === null) port = order.port;
      else network.targets = [order.port];
      return null;
    case "online":
    case "offline":
      await member(order.user)[order.do]();
      return null;
    case "create":
      return { conversation: await member(order.user).create(order.name, order.users) };
    case "say":
      await member(order.user).say(order.conversation, order.text);
      return null;
    case "cut":
      network?.cutOne(order.choice);
      return null;
    case "freeze":
      network?.freezeOne(order.choice);
      return null;
    case "heal":
      network?.heal();
      return null;
    case "compare": {
      const { conversation, patience, transcript, users } = order;
      const lines = await Promise.all(users.map((user) => member(user).compare(conversation, transcript, patience)));
      return { lines: lines.reduce((sum, count) => sum + count, 0) };
    }
    case "end":
      await Promise.all([...members.values()].map((one) => one.offline()));
      await network?.close();
      return null;
  }
}

process.on("message", ({ number, order }: Numbered) => {
  carryOut(order).then(
    (done) => answer({ number, done }),
    (error: unknown) => answer({ number, violation: String(error) }),
  );
});
// Without its parent there is nothing to do.
process.on("disconnect", () => process.exit(0));
