import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { lmdb } from "@sentseen/lmdb";
import { createChatServer, developmentAuth } from "sentseen";
import { createChatClient } from "sentseen/client/node";
import { memory } from "sentseen/memory";
import { WireClient } from "./wire-client.js";

// Run as a process of its own: serves in every way for a moment, closes, and has nothing more to do. Whether it ends by
// itself is for its parent to see. The argument is a directory for the data.

const parts = { ...memory(), ...lmdb({ directory: process.argv[2] as string }) };
const chat = createChatServer({ ...parts, authenticate: developmentAuth(), hooks: { beforeSend: () => undefined } });
const { url } = await chat.listen({ port: 0 });
const http = createServer();
chat.attach(http);
http.listen(0, "127.0.0.1");
await once(http, "listening");

const alice = await WireClient.connect(url, { user: "alice" });
const bob = await WireClient.connect(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/chat`, { user: "bob" });
const carol = createChatClient({ url, token: "carol" });
await carol.connect();
// Never says hello.
await WireClient.open(url);
await alice.say({ user: "bob" }, "hello");
await bob.gets("hello");
bob.send({ type: "receipt", position: bob.position, read: [[bob.all("message")[0]?.conversation ?? "", 1]] });
const { id } = await carol.send({ user: "alice" }, "hi");
await carol.settled(id);
await chat.send({ from: "bot", to: { user: "dora" }, content: "for later" });

await carol.close();
await chat.close();
process.send?.({ listening: http.listening, codes: [await alice.closed(), await bob.closed()] });
http.close();
process.disconnect();
