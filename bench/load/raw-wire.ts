import { ClientSocket } from "./client-socket.js";
import { BINARY, FrameTemplate } from "./masked-frame.js";
import { type Address, filler, type Listener, type LoadClient, type Target, type Wire } from "./wire.js";

function pathOf(user: string, target: Target): string {
  if (target.kind === "user") return `/?user=${user}&to=${target.user}`;
  if (target.kind === "group") return `/?group=${target.group}`;
  return `/?user=${user}`;
}

/** Plain WebSocket messages of 200 bytes, the number in the first four; an ack is those four bytes. */
export const rawWire: Wire = ({ port, user, target }: Address, listener: Listener): LoadClient => {
  const template = new FrameTemplate(BINARY, filler());
  const fill = (number: number) => template.uint32(0, number);
  let opened: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const socket = new ClientSocket(
    { port, path: pathOf(user, target) },
    {
      opened,
      message(bytes, from, to) {
        const number = bytes.readUInt32BE(from);
        if (to - from === 4) listener.ack(number);
        else listener.delivery(number);
      },
      read: () => listener.read(),
    },
  );
  return {
    ready,
    send: (first, count) => socket.write(template.repeat(first, count, fill)),
    tick: () => {},
    close: () => socket.close(),
  };
};
