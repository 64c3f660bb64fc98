/**
 * Whether 32 bytes are the only encoding of their X25519 point: little-endian, below p = 2^255 − 19, highest bit clear.
 * Others name the same point a second time, which a peer could use to make one key look like two.
 */
export function isCanonicalPoint(point: Uint8Array): boolean {
  const top = point[31] as number;
  if (top !== 0x7f) return top < 0x7f;
  if ((point[0] as number) < 0xed) return true;
  for (let at = 1; at < 31; at++) if (point[at] !== 0xff) return true;
  return false;
}
