/** Resolves when `promise` has settled either way, or after `ms`, whichever comes first. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms).unref();
  });
  try {
    await Promise.race([promise, late]);
  } catch {
    // Whoever started it deals with its failure; here only its end counts.
  } finally {
    clearTimeout(timer);
  }
}
