import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isChatError } from "../errors.js";
import { chat } from "./chat.js";

const USAGE = `Usage: sentseen chat --as NAME [--to USER] [options]

Chats in the terminal: writes what comes in, sends the lines you type.

  --as NAME      who you are
  --to USER      whom to talk to; /to changes it later
  --url URL      the server (default ws://127.0.0.1:3000/chat, which \`npm start\` serves)
  --token TOKEN  what the server's authentication wants (default: the name)
  --data DIR     where this device keeps its messages (default: below ~/.sentseen)`;

interface Options {
  readonly as: string;
  readonly to?: string;
  readonly url: string;
  readonly token: string;
  readonly data: string;
}

/** What the command line asks for; null for help. Throws on what it doesn't know, or lacks. */
function optionsOf(args: readonly string[]): Options | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      as: { type: "string" },
      to: { type: "string" },
      url: { type: "string", default: "ws://127.0.0.1:3000/chat" },
      token: { type: "string" },
      data: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { as, to, url, token, data } = values;
  if (values.help) return null;
  if (positionals.length !== 1 || positionals[0] !== "chat") throw new Error("The one thing to do here is: chat");
  if (!as) throw new Error("Who are you? --as NAME");
  return {
    as,
    ...(to !== undefined && { to }),
    url,
    token: token ?? as,
    data: data ?? join(homedir(), ".sentseen", encodeURIComponent(new URL(url).host), encodeURIComponent(as)),
  };
}

/** Resolves with the exit code: 0, 1 where the chat failed, 2 where the command line makes no sense. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options | null;
  try {
    options = optionsOf(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  try {
    return await chat(options);
  } catch (error) {
    if (!isChatError(error)) throw error;
    const taken = "This user chats in another terminal already. Give this one a --data DIR of its own.";
    console.error(error.code === "in_use" ? taken : error.message);
    return 1;
  }
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
