import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Lines in, lines out; what comes out doesn't disturb what is being typed. */
export class Terminal {
  readonly interactive: boolean;
  private readonly lines: Interface;
  private prompt = "";

  constructor(
    input: Readable & { readonly isTTY?: boolean },
    private readonly output: Writable & { readonly isTTY?: boolean },
  ) {
    this.interactive = input.isTTY === true && output.isTTY === true;
    this.lines = createInterface({ input, output, terminal: this.interactive, historySize: 100 });
  }

  /** What is typed, until the end of the input, Ctrl-C or `close`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    this.lines.on("SIGINT", () => this.lines.close());
    this.show();
    for await (const line of this.lines) {
      yield line.trim();
      this.show();
    }
  }

  /** Writes a line above the one that is being typed. */
  write(text: string): void {
    // The carriage return and "erase line" take the prompt away; it is drawn again below.
    this.output.write(this.interactive ? `\r\x1b[2K${text}\n` : `${text}\n`);
    this.show();
  }

  /** What stands before the line that is being typed. */
  ask(prompt: string): void {
    if (prompt === this.prompt) return;
    this.prompt = prompt;
    this.show();
  }

  /** Grey, where the output is a terminal. */
  dim(text: string): string {
    return this.interactive ? `\x1b[2m${text}\x1b[22m` : text;
  }

  bold(text: string): string {
    return this.interactive ? `\x1b[1m${text}\x1b[22m` : text;
  }

  close(): void {
    this.lines.close();
  }

  private show(): void {
    if (!this.interactive) return;
    this.lines.setPrompt(this.prompt);
    this.lines.prompt(true);
  }
}
