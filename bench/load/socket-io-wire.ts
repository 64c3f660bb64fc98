import { ClientSocket } from "./client-socket.js";
import { clientFrame, FrameTemplate, TEXT } from "./masked-frame.js";
import { type Address, filler, type Listener, type LoadClient, type Wire } from "./wire.js";

// Engine.IO 4 over WebSocket alone, Socket.IO 5 packets in it, as text: "0{…}" open, "2" ping, "3" pong,
// "40" connect, "42" + ack id + ["event",…] event, "43" + ack id + […] ack.

const ZERO = 0x30;
const CONNECT = clientFrame(TEXT, Buffer.from("40"));
const PONG = clientFrame(TEXT, Buffer.from("3"));
/** `42["m","` */
const EVENT_PREFIX = 8;
/** The ack id has eight digits, the first of them never zero, so that a server that reads it as a number keeps it. */
const FIRST_ID = 10_000_000;
const ID_AT = 2;
const CONTENT_AT = ID_AT + 8 + `["m","`.length;

function digits(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) value = value * 10 + (bytes[i] as number) - ZERO;
  return value;
}

/** Socket.IO with text content and an ack callback, without the official client, which would be busy before the server. */
export const socketIoWire: Wire = ({ port, user, target }: Address, listener: Listener): LoadClient => {
  const to = target.kind === "user" ? `&to=${target.user}` : "";
  const text = filler().toString("latin1");
  const template = new FrameTemplate(TEXT, Buffer.from(`42${FIRST_ID}["m","${text}"]`));
  const fill = (number: number) => {
    template.digits(ID_AT, FIRST_ID + number);
    template.digits(CONTENT_AT, number);
  };
  let connected: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const socket: ClientSocket = new ClientSocket(
    { port, path: `/socket.io/?EIO=4&transport=websocket&user=${user}${to}` },
    {
      opened: () => {},
      message(bytes, from) {
        const engine = (bytes[from] as number) - ZERO;
        if (engine === 0) socket.write(CONNECT);
        else if (engine === 2) socket.write(PONG);
        else {
          const packet = (bytes[from + 1] as number) - ZERO;
          if (packet === 0) connected();
          else if (packet === 2) listener.delivery(digits(bytes, from + EVENT_PREFIX));
          else if (packet === 3) listener.ack(digits(bytes, from + 2) - FIRST_ID);
          else throw new Error(`Unexpected packet: ${bytes.toString("latin1", from, from + 40)}`);
        }
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
