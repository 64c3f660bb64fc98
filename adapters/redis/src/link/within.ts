import { ChatError } from "sentseen/ports";

/** What the promise comes to, or `store_unavailable` when that takes longer than `ms`. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `${what} did not come to an end within ${ms} ms.`;
    timer = setTimeout(() => reject(new ChatError("store_unavailable", text)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when `promise` has settled either way, or after `ms`, whichever comes first. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  try {
    await within(promise, ms, "A callback");
  } catch {
    // Whoever started it deals with its failure; here only its end counts.
  }
}
