import type { Connection } from "./connection.js";

/** So long, in milliseconds, what may wait waits for company: a write of its own would cost more than all the rest of it. */
const PATIENCE_MS = 50;

/** The connections that have something to send: at the end of the turn, or, where it may wait, with what comes next. */
export class Turn {
  private due: Connection[] = [];
  private scheduled = false;
  private patient: Connection[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly write: (connection: Connection) => void) {}

  /** The connection is written to when the turn ends. */
  soon(connection: Connection): void {
    if (connection.queued) return;
    connection.queued = true;
    this.due.push(connection);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.end());
  }

  /** The connection is written to after a while, unless it is before. */
  later(connection: Connection): void {
    this.patient.push(connection);
    this.timer ??= setTimeout(() => this.loseThePatience(), PATIENCE_MS);
  }

  private loseThePatience(): void {
    const { patient } = this;
    this.patient = [];
    this.timer = null;
    for (const connection of patient) if (!connection.silent) this.soon(connection);
  }

  /** Writes what the turn produced, one write for each connection. */
  end(): void {
    this.scheduled = false;
    const { due } = this;
    this.due = [];
    for (const connection of due) {
      connection.queued = false;
      this.write(connection);
    }
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.patient = [];
  }
}
