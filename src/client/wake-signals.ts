/** What a page or a worker tells when the device woke up, or the network changed. */
const SIGNALS = ["online", "offline", "pageshow", "visibilitychange", "resume"];

/** Calls back when there is reason to look at the connection at once; answers what ends that. */
export function onWake(call: () => void): () => void {
  const end = new AbortController();
  const targets: readonly Partial<EventTarget>[] = [globalThis, globalThis.document ?? {}];
  for (const event of SIGNALS) {
    for (const target of targets) target.addEventListener?.(event, call, { signal: end.signal });
  }
  return () => end.abort();
}
