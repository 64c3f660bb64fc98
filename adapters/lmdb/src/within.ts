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
