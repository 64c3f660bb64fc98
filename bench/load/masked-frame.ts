/** Every frame of every generated client is masked with this key: what a browser's random key costs the server. */
const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

export const TEXT = 1;
export const BINARY = 2;
export const PONG = 10;

function maskedFrame(opcode: number, payload: Uint8Array): { bytes: Buffer; body: number } {
  const long = payload.length > 125;
  if (payload.length > 0xffff) throw new Error("The generator sends no frame above 64 KiB.");
  const body = long ? 8 : 6;
  const bytes = Buffer.alloc(body + payload.length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | (long ? 126 : payload.length);
  if (long) bytes.writeUInt16BE(payload.length, 2);
  bytes.set(MASK, body - 4);
  for (let i = 0; i < payload.length; i++) bytes[body + i] = (payload[i] as number) ^ (MASK[i & 3] as number);
  return { bytes, body };
}

/** One WebSocket frame as a client sends it: masked, final. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  return maskedFrame(opcode, payload).bytes;
}

/** A masked frame made once, of which a few bytes change from message to message. Offsets count from the payload. */
export class FrameTemplate {
  private readonly bytes: Buffer;
  private readonly body: number;

  constructor(opcode: number, payload: Uint8Array) {
    ({ bytes: this.bytes, body: this.body } = maskedFrame(opcode, payload));
  }

  byte(at: number, value: number): void {
    this.bytes[this.body + at] = value ^ (MASK[at & 3] as number);
  }

  uint32(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.byte(at + i, (value >>> (24 - 8 * i)) & 0xff);
  }

  /** Eight decimal digits. */
  digits(at: number, value: number): void {
    for (let i = 7, rest = value; i >= 0; i--) {
      this.byte(at + i, 0x30 + (rest % 10));
      rest = Math.floor(rest / 10);
    }
  }

  /** The frames of messages `first` to `first + count - 1`, each filled in by `fill`, ready for one write. */
  repeat(first: number, count: number, fill: (number: number) => void): Buffer {
    const size = this.bytes.length;
    const out = Buffer.allocUnsafe(size * count);
    for (let i = 0; i < count; i++) {
      fill(first + i);
      this.bytes.copy(out, i * size);
    }
    return out;
  }
}
