import { vi } from "vitest";
import { directConversation } from "../../src/model/ids.js";
import type { Device, Wish } from "./log-device.js";
import { finish } from "./log-finish.js";
import { type Rule, tamper } from "./log-rules.js";
import type { Tenure } from "./log-tenure.js";
import { World } from "./log-world.js";

/** A schedule that is told step by step. */
export class Script {
  readonly world: World;
  /** A device of alice's, who has two commands unacknowledged at most. */
  readonly phone: Device;

  private constructor(atomic: boolean, off: Rule | null) {
    this.world = new World({
      atomic,
      durableQueue: true,
      window: 2,
      cached: 10,
      flushBytes: 1_000_000,
      users: ["alice"],
      commands: 100,
      off,
    });
    this.phone = this.world.devices[0] as Device;
  }

  /** Plays what is told and lets the world calm down. Throws where anything comes out that shouldn't. */
  static async play(atomic: boolean, off: Rule | null, tell: (script: Script) => Promise<void>): Promise<void> {
    const restore = tamper(off);
    try {
      const script = new Script(atomic, off);
      await tell(script);
      await finish(script.world);
    } finally {
      vi.clearAllTimers();
      restore();
    }
  }

  /** The phone sends what it has to say next: something new, or what it says again. */
  say(to: string): void {
    this.world.publish(this.phone, 0, () => message(to));
  }

  /** An owner is given the next records, and reads what it needs. */
  async take(tenure: Tenure, records: number): Promise<void> {
    this.world.feed(tenure, records);
    await this.world.settle();
    for (let call = tenure.port.calls.find(isRead); call !== undefined; call = tenure.port.calls.find(isRead)) {
      call.look();
      await this.world.settle();
    }
  }

  /** It is time to flush, and the rows have settled: the first step is issued, if the owner thinks it may. */
  async issue(): Promise<void> {
    for (let timers = 0; timers < 2; timers++) {
      vi.advanceTimersToNextTimer();
      await this.world.settle();
    }
  }

  /** The step of a flush that an owner has issued lands: all of it, or so many writes. The next one is issued then. */
  async land(tenure: Tenure, writes = Number.POSITIVE_INFINITY): Promise<void> {
    const call = tenure.port.calls.find((call) => call.kind === "write");
    if (call === undefined) return;
    for (let landed = 0; landed < writes && call.left.length > 0; landed++) call.land(0);
    await this.world.settle();
  }

  /** An owner flushes all that it has, if it thinks it may. */
  async flush(tenure: Tenure): Promise<void> {
    await this.issue();
    while (tenure.port.calls.length > 0) await this.land(tenure);
  }
}

function isRead(call: Tenure["port"]["calls"][number]) {
  return call.kind === "read";
}

function message(to: string): Wish {
  const action = { type: "send", to, content_type: "text", content: new Uint8Array([1]) } as const;
  return { conversation: directConversation("alice", to), action };
}
