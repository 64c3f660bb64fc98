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

/** What the command line asks for; null for the usage. Throws on options that don't exist. */
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
  if (values.help || positionals.length !== 1 || positionals[0] !== "chat" || !as) return null;
  return {
    as,
    ...(to !== undefined && { to }),
    url,
    token: token ?? as,
    data: data ?? join(homedir(), ".sentseen", encodeURIComponent(new URL(url).host), encodeURIComponent(as)),
  };
}

/** Resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = optionsOf(args);
    if (options === null) {
      console.error(USAGE);
      return args.includes("--help") || args.includes("-h") ? 0 : 2;
    }
    return await chat(options);
  } catch (error) {
    if (isChatError(error) && error.code === "in_use") {
      console.error("This user chats in another terminal already. Give this one a --data DIR of its own.");
      return 1;
    }
    console.error(error instanceof Error ? error.message : String(error));
    return isChatError(error) ? 1 : 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
