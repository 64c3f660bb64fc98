import type { Uuid } from "../../src/model/ids.js";
import type { DeviceStateKey, Offset, Versioned, Write } from "../../src/ports/index.js";

/** A row of storage, or a part of one that has an offset of its own. */
export interface Cell {
  readonly name: string;
  readonly value: Uint8Array;
  readonly offset: Offset;
}

/**
 * What the model's storage holds: of two versions of a cell the greater offset stays. [R2 e]
 */
export class Cells {
  private readonly cells = new Map<string, Cell>();

  /** `overwrites` names the cells of which the last one to land stays: rule e left out. */
  constructor(private readonly overwrites: (name: string) => boolean = () => false) {}

  /** Lands some cells together. */
  land(cells: readonly Cell[]): void {
    for (const cell of cells) {
      const there = this.cells.get(cell.name);
      if (there !== undefined && there.offset > cell.offset && !this.overwrites(cell.name)) continue;
      this.cells.set(cell.name, cell);
    }
  }

  checkpoint(): Versioned | null {
    return this.cells.get(CHECKPOINT) ?? null;
  }

  conversation(id: Uuid): Versioned | null {
    return this.cells.get(conversationName(id)) ?? null;
  }

  deviceState(key: DeviceStateKey): Versioned | null {
    return this.cells.get(deviceStateName(key)) ?? null;
  }

  /** What users can come to see, name by name: rows, conversations and who is a member of which. */
  visible(): Map<string, string> {
    const seen = new Map<string, string>();
    for (const { name, value } of this.cells.values()) {
      const hidden = name === CHECKPOINT || name.startsWith("device_state") || value === NO;
      if (!hidden) seen.set(name, Buffer.from(value).toString("latin1"));
    }
    return seen;
  }
}

const CHECKPOINT = "checkpoint";
const YES = Uint8Array.of(1);
const NO = Uint8Array.of(0);

/** The cells that a write sets, all at once. */
export function cellsOf(write: Write): Cell[] {
  switch (write.kind) {
    case "history":
      return [{ name: `history ${write.conversation} ${write.seq}`, value: write.value, offset: write.offset }];
    case "mailbox":
      return write.rows.map(({ position, value }) => {
        return { name: `mailbox ${write.user} ${position}`, value, offset: position };
      });
    case "device_state":
      return [{ name: deviceStateName(write), value: write.value, offset: write.offset }];
    case "conversation": {
      const { conversation, value, offset } = write;
      const member = (value: Uint8Array) => (user: string) => {
        return { name: `member ${user} ${conversation}`, value, offset };
      };
      return [
        { name: conversationName(conversation), value, offset },
        ...write.joined.map(member(YES)),
        ...write.left.map(member(NO)),
      ];
    }
    case "checkpoint":
      return [{ name: CHECKPOINT, value: NO, offset: write.offset }];
    default:
      throw new Error(`the model knows no write of a ${write.kind}`);
  }
}

function conversationName(id: Uuid): string {
  return `conversation ${id}`;
}

function deviceStateName({ user, device }: DeviceStateKey): string {
  return `device_state ${user} ${device}`;
}
