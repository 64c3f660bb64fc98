import { createChatServer } from "sentseen";
import { memory } from "sentseen/memory";
import { WebSocket } from "ws";
import { directConversation, newId } from "../../../src/model/ids.js";
import { clientCodec, MSGPACK } from "../../../src/protocol/codec.js";
import type { ServerFrame } from "../../../src/protocol/frames.js";

// Run as a process of its own, with --expose-gc: connects and closes so many times as the first argument says, in
// every way that a connection can end, and tells its parent how much memory was in use along the way and what is left.

const CYCLES = Number(process.argv[2]);
const AT_A_TIME = 100;
const LOOKS = 10;

const codec = clientCodec(MSGPACK);
const devices = Array.from({ length: AT_A_TIME }, (_, i) => ({ user: `user-${i}`, id: newId() }));

const chat = createChatServer({ ...memory(), authenticate: ({ token }) => ({ user: token }), flushMs: 50 });
let errors = 0;
chat.on("error", () => errors++);
const { url } = await chat.listen({ port: 0 });

/** What no client sends: it is closed for it. */
const garbage = [
  Uint8Array.of(0xc1),
  Buffer.alloc(60_000, 0x91),
  Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x81, 0xa4, 0x74, 0x79, 0x70]),
];

/**
 * One connection's life: cut at once, gone before the welcome, closed for what it sends, closed after a message, or cut
 * after one.
 */
function cycle(number: number): Promise<void> {
  const { user, id } = devices[number % AT_A_TIME] as (typeof devices)[number];
  const socket = new WebSocket(url, MSGPACK);
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.on("open", () => {
      if (number % 8 === 0) return socket.terminate();
      socket.send(codec.encode({ type: "hello", token: user, device: { id }, ...(number > 0 && { position: 0 }) }));
      if (number % 8 === 1) socket.close();
    });
    socket.on("message", (data: Buffer) => {
      for (const { frame } of codec.decode(data).filter(({ error }) => error === undefined) as {
        frame: ServerFrame;
      }[]) {
        if (frame?.type === "synced" && number % 8 === 2) socket.send(garbage[number % garbage.length] as Uint8Array);
        else if (frame?.type === "synced") {
          const read = directConversation(user, user);
          socket.send(codec.encode({ type: "receipt", position: frame.position, read: [[read, 1]] }));
          const content = Uint8Array.of(1);
          socket.send(codec.encode({ type: "send", ref: 1, id: newId(), user, content_type: "text", content }));
        }
        if (frame?.type === "ack") number % 2 === 0 ? socket.close() : socket.terminate();
      }
    });
  });
}

const heap: number[] = [];
for (let done = 0; done < CYCLES; ) {
  for (const until = done + CYCLES / LOOKS; done < until; done += AT_A_TIME) {
    await Promise.all(devices.map((_, i) => cycle(done + i)));
  }
  while (chat.stats().connections > 0 || chat.stats().mailboxes > 0) await new Promise((next) => setTimeout(next, 10));
  globalThis.gc?.();
  heap.push(process.memoryUsage().heapUsed);
}
const { connections, users, mailboxes, pending_entries, pending_bytes } = chat.stats();
await chat.close();
process.send?.({ heap, errors, left: { connections, users, mailboxes, pending_entries, pending_bytes } });
process.disconnect();
