const SLAB_BYTES = 64 * 1024;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

/**
 * A copy of bytes that outlive the turn. A view would hold on to the whole read of the socket that they came with, one
 * piece of memory a message for the collector to look after, and what a host gave might change under our hands.
 */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > SLAB_BYTES / 4) return Uint8Array.prototype.slice.call(bytes);
  if (used + length > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  const kept = slab.subarray(used, used + length);
  kept.set(bytes);
  used += length;
  return kept;
}
