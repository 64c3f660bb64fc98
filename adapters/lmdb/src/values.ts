/** Values that are numbers followed by bytes: the numbers as 8-byte floats, which hold whatever a row has. */
export function pack(numbers: readonly number[], bytes?: Uint8Array): Buffer {
  const start = numbers.length * 8;
  const value = Buffer.allocUnsafe(start + (bytes?.length ?? 0));
  for (let i = 0; i < numbers.length; i++) value.writeDoubleBE(numbers[i] as number, i * 8);
  if (bytes !== undefined) value.set(bytes, start);
  return value;
}

/** The number at a place in the list that was packed. */
export function numberIn(value: Buffer, index: number): number {
  return value.readDoubleBE(index * 8);
}

/** The bytes that follow so many numbers, as a view. */
export function bytesIn(value: Buffer, numbers: number): Uint8Array {
  return value.subarray(numbers * 8);
}

/** When a row goes by itself, as it is stored: never is a time that never comes. */
export function expiry(expires_at: number | null): number {
  return expires_at ?? Number.POSITIVE_INFINITY;
}
