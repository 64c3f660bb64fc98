import { type ChatError, ERRORS } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import type { ClientFrame, ServerFrames } from "../protocol/frames.js";
import { createBackoff } from "./backoff.js";
import { type ClientClock, createTimer } from "./clock.js";
import { errorOf, type Session } from "./session.js";
import type { OutboxRow } from "./stores/store.js";

/** A fault of the server's own is taken for passing so often; then it's the command's fault. */
const FAULTS = 10;
/** A command that isn't answered for so long, though the connection lives, is sent again over a new one. */
const ANSWER_DEADLINE = 90_000;

interface Sent {
  readonly row: OutboxRow;
  readonly ref: number;
  readonly at: number;
}

/**
 * Sends the outbox, in order: as many commands at once as the server recognises again, counted from the oldest that
 * is not answered. When a command is refused for now, nothing more is sent; once all that is on its way is answered
 * and the time has come, everything goes again from the refused one on, in the same order and with the same ids.
 */
export interface Sender {
  /** The session may take commands: at most `inFlight`, counted from the oldest that is not answered. */
  begin(session: Session, inFlight: number): void;
  /** The server is about to close the session: nothing more is given to it. */
  hold(): void;
  /** The session is over. Answers the command that made the server close it by its size, where that is known. */
  end(closeCode: number): OutboxRow | undefined;
  /** Sends what may be sent. Called whenever the outbox has got more. */
  pump(): void;
  /** A command was acknowledged. Its place is free once the store has it. */
  acknowledged(id: Uuid): void;
  /** The command that an error is about, where it is one on its way. */
  concerned(frame: ServerFrames["error"]): OutboxRow | undefined;
  /** Answers the error where the refusal is final; otherwise the command will be sent again. */
  refuse(row: OutboxRow, frame: ServerFrames["error"]): ChatError | undefined;
  /** A command has left the outbox. */
  left(id: Uuid): void;
  /** Whether a command waits for its answer for so long that the session can't be right. */
  stuck(): boolean;
}

export function createSender(outbox: ReadonlyMap<Uuid, OutboxRow>, clock: ClientClock, random: () => number): Sender {
  const sent = new Map<Uuid, Sent>();
  const byRef = new Map<number, Uuid>();
  /** Answered for good, but still in the outbox until the store has it. */
  const answered = new Set<Uuid>();
  const faults = new Map<Uuid, number>();
  const pause = createTimer(clock);
  const backoff = createBackoff(random);
  let session: Session | undefined;
  let most = 1;
  /** Everything goes again, once nothing is on its way. */
  let again = false;
  /** One command at a time up to this order: one of them made the server close, and it isn't known which. */
  let singleUpTo = 0;

  function pump(): void {
    if (session === undefined || pause.running()) return;
    if (again && sent.size > 0) return;
    again = false;
    let oldest: number | undefined;
    for (const row of outbox.values()) {
      oldest ??= row.order;
      if (row.order - oldest >= (row.order <= singleUpTo ? 1 : most)) return;
      if (sent.has(row.id) || answered.has(row.id)) continue;
      const ref = session.nextRef();
      sent.set(row.id, { row, ref, at: clock.now() });
      byRef.set(ref, row.id);
      session.send({ ...row.frame, ref } as ClientFrame);
    }
  }

  function arrived(id: Uuid): boolean {
    byRef.delete(sent.get(id)?.ref ?? 0);
    return sent.delete(id);
  }

  function close(id: Uuid): void {
    if (arrived(id)) answered.add(id);
    faults.delete(id);
  }

  return {
    pump,
    begin(begun, inFlight) {
      session = begun;
      most = Math.max(1, inFlight);
      pump();
    },
    hold() {
      session = undefined;
    },
    end(closeCode) {
      const rows = [...sent.values()].map(({ row }) => row);
      session = undefined;
      again = false;
      sent.clear();
      byRef.clear();
      answered.clear();
      pause.clear();
      if (closeCode !== 1009) return undefined;
      singleUpTo = Math.max(singleUpTo, ...rows.map(({ order }) => order));
      return rows.length === 1 ? rows[0] : undefined;
    },
    acknowledged(id) {
      close(id);
      backoff.reset();
    },
    concerned({ id, ref }) {
      return sent.get(id ?? byRef.get(ref ?? -1) ?? "")?.row;
    },
    refuse({ id }, frame) {
      const error = errorOf(frame);
      const count = (faults.get(id) ?? 0) + (error.code === "internal" ? 1 : 0);
      if (!ERRORS[error.code].retryable || count >= FAULTS) {
        close(id);
        return error;
      }
      faults.set(id, count);
      arrived(id);
      again = true;
      pause.set(error.retry_after ?? backoff.next(), pump);
      return undefined;
    },
    left(id) {
      arrived(id);
      answered.delete(id);
      faults.delete(id);
      pump();
    },
    stuck() {
      for (const { at } of sent.values()) return clock.now() - at > ANSWER_DEADLINE;
      return false;
    },
  };
}
