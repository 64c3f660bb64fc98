/**
 * SHA-1 (FIPS 180-4), for the names of version 5 UUIDs only: nothing secret depends on it, and the platform's own is
 * asynchronous and missing on pages without TLS.
 */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000));
  view.setUint32(padded.length - 4, message.length << 3);

  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const words = new Int32Array(80);
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
    for (let i = 0; i < 80; i++) {
      const word = (back: number): number => words[i - back] as number;
      words[i] = i < 16 ? view.getInt32(block + i * 4) : rotate(word(3) ^ word(8) ^ word(14) ^ word(16), 1);
      const mix = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
      const sum = rotate(a, 5) + mix + e + (ROUND[Math.floor(i / 20)] as number) + (words[i] as number);
      [a, b, c, d, e] = [sum | 0, a, rotate(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((value, i) => {
      state[i] = (state[i] as number) + value;
    });
  }
  const hash = new DataView(new ArrayBuffer(20));
  state.forEach((value, i) => {
    hash.setInt32(i * 4, value);
  });
  return new Uint8Array(hash.buffer);
}

const ROUND = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
