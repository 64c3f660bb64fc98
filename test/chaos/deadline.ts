/** How long anything in a run may take, in milliseconds. */
const PATIENCE = 20_000;

/** Resolves as `promise` does, or rejects with what was waited for when it takes too long. */
export async function within<T>(what: string, promise: Promise<T>, milliseconds = PATIENCE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${milliseconds} ms for ${what}`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again until the condition holds; answers false where it doesn't within the time. */
export async function holds(condition: () => boolean, milliseconds = PATIENCE): Promise<boolean> {
  const until = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > until) return false;
    await pause(10);
  }
  return true;
}

export async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
