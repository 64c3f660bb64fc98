/** From the first pause, in milliseconds, between two tries of what storage or the queue refused, to the longest. */
export const RETRY_MS: { readonly first: number; readonly most: number } = { first: 50, most: 5_000 };

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
