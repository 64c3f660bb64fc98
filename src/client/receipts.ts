import type { Uuid } from "../model/ids.js";
import { PAGE } from "../protocol/frames.js";
import { type ClientClock, createTimer } from "./clock.js";
import type { Session } from "./session.js";
import type { ConversationRow, Mark } from "./stores/store.js";

/**
 * Milliseconds between receipts: the first one goes at once, and in a stream, where each pause has brought more, twice
 * as many up to the last. A watermark says as much of ten messages as of one, and costs the server as much as a message.
 */
const FIRST_PAUSE = 50;
const LAST_PAUSE = 400;
/** So long, in milliseconds, what nobody waits for may wait for company. */
const PATIENCE = 500;

interface Reported extends Mark {
  /** How many pongs had come when it was sent. */
  readonly pongs: number;
}

/**
 * Tells the server how far this device has got, after the store has it: at most one receipt in a pause, with all that
 * grew. The server answers none, and may forget some in a crash, so each is repeated until it has surely been kept:
 * when a pong shows the position, and another one came between, long enough for the server to have written it.
 */
export interface Receipts {
  /** A session takes receipts: the first ones say all that the server isn't known to have. */
  begin(session: Session): void;
  end(): void;
  /** The position has moved, and the conversation, if one is named, was seen or read further. */
  grew(conversation?: Uuid): void;
  /** The same by an own command, of which nobody waits to hear: it goes with the next receipt, or after a while. */
  sent(conversation: Uuid): void;
  /** A ping is about to be sent. */
  pinged(): void;
  /**
   * The server shows the position that it has. Answers which watermarks it has surely kept; what it doesn't show is
   * sent again.
   */
  ponged(position: number | undefined): [Uuid, Mark][];
}

export function createReceipts(
  conversations: ReadonlyMap<Uuid, ConversationRow>,
  position: () => number | undefined,
  clock: ClientClock,
): Receipts {
  const pause = createTimer(clock);
  const dirty = new Set<Uuid>();
  const reported = new Map<Uuid, Reported>();
  let session: Session | undefined;
  let positionDirty = false;
  /** Something that grew is waited for. */
  let urgent = false;
  /** The timer runs for what isn't. */
  let patient = false;
  let nextPause = FIRST_PAUSE;
  let positionSent = 0;
  /** The position that had been sent before the last ping. */
  let positionPinged = 0;
  let pongs = 0;

  function soon(): void {
    if (session !== undefined && (patient || !pause.running())) pause.set(0, flush);
    patient = false;
    urgent = true;
  }

  function later(): void {
    if (session === undefined || pause.running()) return;
    pause.set(PATIENCE, flush);
    patient = true;
  }

  function flush(): void {
    const rows: ConversationRow[] = [];
    for (const conversation of dirty) {
      const row = conversations.get(conversation);
      if (row !== undefined && isOwed(row)) rows.push(row);
    }
    const moved = positionDirty ? position() : undefined;
    dirty.clear();
    positionDirty = urgent = patient = false;
    positionSent = moved ?? positionSent;
    for (let from = 0; from === 0 || from < rows.length; from += PAGE) {
      report(rows.slice(from, from + PAGE), from === 0 ? moved : undefined);
    }
    // What comes in meanwhile goes together.
    pause.set(nextPause, () => {
      nextPause = urgent ? Math.min(nextPause * 2, LAST_PAUSE) : FIRST_PAUSE;
      if (urgent) flush();
      else if (dirty.size > 0 || positionDirty) later();
    });
  }

  function report(rows: readonly ConversationRow[], moved: number | undefined): void {
    if (rows.length === 0 && moved === undefined) return;
    const delivered: [Uuid, number][] = [];
    const read: [Uuid, number][] = [];
    for (const row of rows) {
      const { conversation, kept } = row;
      reported.set(conversation, { delivered: row.seen, read: row.read, pongs });
      if (row.seen > kept.delivered) delivered.push([conversation, row.seen]);
      if (row.read > kept.read) read.push([conversation, row.read]);
    }
    session?.send({ type: "receipt", delivered, read, ...(moved !== undefined && { position: moved }) });
  }

  return {
    begin(begun) {
      session = begun;
      pongs = 0;
      for (const row of conversations.values()) if (isOwed(row)) dirty.add(row.conversation);
      positionDirty = position() !== undefined;
      soon();
    },
    end() {
      session = undefined;
      pause.clear();
      reported.clear();
      dirty.clear();
      positionSent = positionPinged = 0;
    },
    grew(conversation) {
      positionDirty = true;
      if (conversation !== undefined) dirty.add(conversation);
      soon();
    },
    sent(conversation) {
      positionDirty = true;
      dirty.add(conversation);
      later();
    },
    pinged() {
      positionPinged = positionSent;
    },
    ponged(shown = 0) {
      pongs++;
      const kept: [Uuid, Mark][] = [];
      if (shown < positionPinged) {
        positionDirty = true;
        for (const conversation of reported.keys()) dirty.add(conversation);
        soon();
        return kept;
      }
      for (const [conversation, mark] of reported) {
        if (pongs - mark.pongs < 2) continue;
        reported.delete(conversation);
        kept.push([conversation, mark]);
      }
      return kept;
    },
  };
}

/** Whether the server isn't known to have this user's watermarks. */
function isOwed({ seen, read, kept, left }: ConversationRow): boolean {
  return !left && (seen > kept.delivered || read > kept.read);
}
