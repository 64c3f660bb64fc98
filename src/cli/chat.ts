import { createChatClient, fileStore } from "../client/node.js";
import { ChatError, isChatError } from "../errors.js";
import type { UserId } from "../model/ids.js";
import { COMMANDS } from "./commands.js";
import { Terminal } from "./terminal.js";
import { TerminalChat } from "./terminal-chat.js";

export interface ChatOptions {
  readonly as: UserId;
  readonly to?: UserId;
  readonly url: string;
  readonly token: string;
  /** The directory of the device's store. */
  readonly data: string;
}

/** Chats until the input ends. Resolves with the exit code; rejects with what keeps the user out. */
export async function chat({ as, to, url, token, data }: ChatOptions): Promise<number> {
  const client = createChatClient({
    url,
    token,
    store: fileStore(data),
    device: { name: "terminal", platform: "node" },
  });
  const terminal = new Terminal(process.stdin, process.stdout);
  const session = new TerminalChat(client, terminal, as);
  if (to !== undefined) session.talkTo(to);
  let refused: unknown;
  client.connect().catch((error: unknown) => {
    refused = error;
    terminal.close();
  });
  try {
    for await (const line of terminal) {
      if (line === "/quit") break;
      if (line !== "") await obey(session, line);
    }
    const unsent = refused === undefined ? await session.settle() : 0;
    if (refused !== undefined) throw refused;
    if (unsent > 0) session.note(`${unsent} not sent yet: the next start sends them`);
    return unsent > 0 ? 1 : 0;
  } finally {
    terminal.close();
    await client.close();
  }
}

/** Sends a line, or carries out the command that it is. */
async function obey(session: TerminalChat, line: string): Promise<void> {
  try {
    if (!line.startsWith("/")) return await session.send(line);
    const [name = "", ...words] = line.slice(1).split(/\s+/);
    const command = COMMANDS.get(name);
    if (command === undefined) throw new ChatError("invalid", `There is no /${name}; /help lists what there is.`);
    await command.run(session, words);
  } catch (error) {
    if (!isChatError(error)) throw error;
    session.note(error.message);
  }
}
