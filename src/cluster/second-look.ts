import type { UserId } from "../model/ids.js";
import type { Offset } from "../ports/queue.js";

/** How often entries are looked at that nobody has acknowledged, in milliseconds: the grace is between one and two. */
const EVERY_MS = 2_000;
/** A user who is connected and acknowledges nothing is told so often, each time after twice as long. */
const MOST_LOOKS = 8;

interface Open {
  head: Offset;
  /** Looks still to be let pass. */
  skip: number;
  looks: number;
}

/**
 * Looks again after those who were sent something: bytes between nodes may be lost, and connecting may cross with
 * routing. Who is connected and hasn't acknowledged after a while is told that there is more. [R3 c]
 */
export class SecondLook {
  private readonly open = new Map<UserId, Open>();
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(
    private readonly hasAll: (user: UserId) => boolean,
    /** Tells those who are connected, and answers who they are. */
    private readonly look: (heads: readonly (readonly [UserId, Offset])[]) => Promise<readonly UserId[]>,
    private readonly failed: (error: unknown) => void,
  ) {}

  note(user: UserId, position: Offset): void {
    const open = this.open.get(user);
    if (open === undefined) this.open.set(user, { head: position, skip: 1, looks: 0 });
    else open.head = position;
    if (!this.stopped) this.timer ??= setTimeout(() => void this.round(), EVERY_MS);
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private async round(): Promise<void> {
    const due: [UserId, Offset][] = [];
    for (const [user, open] of this.open) {
      if (this.hasAll(user)) this.open.delete(user);
      else if (open.skip > 0) open.skip--;
      else due.push([user, open.head]);
    }
    try {
      const connected = new Set(due.length === 0 ? [] : await this.look(due));
      for (const [user] of due) this.looked(user, connected.has(user));
    } catch (error) {
      this.failed(error);
    }
    this.timer = this.open.size === 0 || this.stopped ? null : setTimeout(() => void this.round(), EVERY_MS);
  }

  private looked(user: UserId, connected: boolean): void {
    const open = this.open.get(user);
    if (open === undefined) return;
    open.looks++;
    open.skip = 2 ** open.looks;
    if (!connected || open.looks >= MOST_LOOKS) this.open.delete(user);
  }
}
