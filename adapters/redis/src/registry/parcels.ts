// Bytes that go the same way in one message: each with its length before it.

const HEAD_BYTES = 4;

/** Copies parcels, one behind the other, into new memory. */
export function wrap(parcels: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const parcel of parcels) size += HEAD_BYTES + parcel.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const parcel of parcels) {
    at = bytes.writeUInt32BE(parcel.length, at);
    bytes.set(parcel, at);
    at += parcel.length;
  }
  return bytes;
}

/** The parcels, as views. Stops at the first that isn't whole. */
export function unwrap(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parcels: Uint8Array[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const end = at + HEAD_BYTES + view.getUint32(at);
    if (end > bytes.length) break;
    parcels.push(bytes.subarray(at + HEAD_BYTES, end));
    at = end;
  }
  return parcels;
}
