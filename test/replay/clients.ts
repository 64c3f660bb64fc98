/** A process of clients: some of the users of a replay. Takes orders from its parent and answers each. */
import { WebSocket } from "ws";
import type { SocketConstructor } from "../../src/client/index.js";
import { FaultyProxy } from "../chaos/proxy.js";
import { Member } from "./member.js";
import type { Answer, Done, Numbered, Order } from "./orders.js";

// A network that works needs no proxies.
const faulty = process.argv[2] === "faults";
const proxies: FaultyProxy[] = [];
/** Where the gateways are dialled. */
let gateways: readonly (number | null)[] = [];
const members = new Map<string, Member>();

function answer(given: Answer): void {
  process.send?.(given);
}

/** Dials one gateway after another, each device from another one on. */
function dialler(first: number): SocketConstructor {
  let next = first;
  class Dialled extends WebSocket {
    constructor(_url: string, subProtocols: string[]) {
      super(`ws://127.0.0.1:${gateways[next++ % gateways.length]}/chat`, subProtocols);
    }
  }
  return Dialled as unknown as SocketConstructor;
}

function member(user: string): Member {
  const known = members.get(user);
  if (known !== undefined) return known;
  const violated = (violation: string): void => answer({ number: 0, violation });
  const made = new Member(user, dialler(members.size), violated);
  members.set(user, made);
  return made;
}

async function reach(ports: readonly (number | null)[]): Promise<void> {
  if (!faulty) {
    gateways = ports;
    return;
  }
  for (const [i, port] of ports.entries()) {
    proxies[i] ??= await FaultyProxy.open(port);
    proxies[i].targets = [port];
  }
  gateways = proxies.map(({ port }) => port);
}

/** Does something to one connection of a gateway's, both chosen by a number from 0 up to 1. */
function harm(how: "cutOne" | "freezeOne", choice: number): void {
  const place = choice * proxies.length;
  proxies[Math.floor(place)]?.[how](place % 1);
}

async function carryOut(order: Order): Promise<Done> {
  switch (order.do) {
    case "gateways":
      await reach(order.ports);
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
      harm("cutOne", order.choice);
      return null;
    case "freeze":
      harm("freezeOne", order.choice);
      return null;
    case "heal":
      for (const proxy of proxies) proxy.heal();
      return null;
    case "compare": {
      const { conversation, patience, transcript, users } = order;
      const lines = await Promise.all(users.map((user) => member(user).compare(conversation, transcript, patience)));
      return { lines: lines.reduce((sum, count) => sum + count, 0) };
    }
    case "end":
      await Promise.all([...members.values()].map((one) => one.offline()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
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
