import { onTestFinished, vi } from "vitest";

/**
 * From now on the seconds of the server's wheel pass when the test says so. Servers that are started afterwards
 * notice; sockets and the time of day don't.
 */
export function holdWheel(): { pass(seconds: number): Promise<void> } {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  return {
    async pass(seconds) {
      for (let i = 0; i < seconds; i++) {
        vi.advanceTimersByTime(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
