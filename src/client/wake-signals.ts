/** Where a page or a worker tells that the device woke up, or the network changed. */
const SIGNALS: readonly [target: "window" | "document", event: string][] = [
  ["window", "online"],
  ["window", "offline"],
  ["window", "pageshow"],
  ["document", "visibilitychange"],
  ["document", "resume"],
];

/** Calls back when there is reason to look at the connection at once; answers what ends that. */
export function onWake(call: () => void): () => void {
  const ends = SIGNALS.map(([target, event]) => {
    const source: EventTarget | undefined = target === "window" ? asTarget(globalThis) : asTarget(globalThis.document);
    source?.addEventListener(event, call);
    return () => source?.removeEventListener(event, call);
  });
  return () => {
    for (const end of ends) end();
  };
}

function asTarget(value: unknown): EventTarget | undefined {
  const has = typeof (value as EventTarget | undefined)?.addEventListener === "function";
  return has ? (value as EventTarget) : undefined;
}
