import { CommandEncoder } from "../messages/command-codec.js";
import type { Command } from "../model/command.js";
import type { QueueItem } from "../ports/queue.js";

/** Publishes commands in the order in which they come; those of one turn of the loop share one call. [R4] */
export class Publisher {
  private items: QueueItem[] = [];
  private commands: Command[] = [];
  private readonly encoder = new CommandEncoder();

  constructor(
    private readonly publish: (items: readonly QueueItem[]) => Promise<void>,
    /** A command that may not have been stored. */
    private readonly failed: (command: Command, error: unknown) => void,
  ) {}

  add(command: Command): void {
    // Microtasks run after each socket's read; only here all sockets that were ready have been read.
    if (this.items.length === 0) setImmediate(() => this.flush());
    this.items.push({ key: command.conversation, value: this.encoder.encode(command), decoded: command });
    this.commands.push(command);
  }

  private flush(): void {
    const { items, commands } = this;
    this.items = [];
    this.commands = [];
    this.publish(items).catch((error: unknown) => {
      for (const command of commands) this.failed(command, error);
    });
    this.encoder.reuse();
  }
}
