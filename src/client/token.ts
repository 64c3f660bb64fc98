import { ChatError } from "../errors.js";
import { type ClientClock, createTimer } from "./clock.js";

/** A token, or a token that is known to run out. */
export type TokenAnswer =
  | string
  | {
      readonly token: string;
      /** Milliseconds since 1970. A fresh token is asked for shortly before and sent on the open connection. */
      readonly expires_at?: number;
    };

/** A token that stays good, or what is asked for one before each connection. */
export type TokenSource = string | (() => TokenAnswer | Promise<TokenAnswer>);

export type Token = Exclude<TokenAnswer, string>;

const DEADLINE = 30_000;

/** Asks for a token. Rejects with `token_refused` where none comes in time. */
export async function askToken(source: TokenSource, clock: ClientClock): Promise<Token> {
  const deadline = createTimer(clock);
  const late = new Promise<never>((_, reject) => {
    deadline.set(DEADLINE, () => reject(new ChatError("timeout")));
  });
  try {
    const answer = typeof source === "string" ? source : await Promise.race([source(), late]);
    return typeof answer === "string" ? { token: answer } : answer;
  } catch (cause) {
    throw new ChatError("token_refused", "The token function failed.", { cause });
  } finally {
    deadline.clear();
  }
}

/** Refreshed this long before it runs out, or after half of the time that is left where that is less. */
const LEAD = 60_000;
/** A token is never asked for more often than this while a connection is open. */
const LEAST = 5_000;

/** Milliseconds until a token should be refreshed; undefined where it doesn't run out. */
export function refreshDelay({ expires_at }: Token, now: number): number | undefined {
  if (expires_at === undefined) return undefined;
  const left = expires_at - now;
  return Math.max(LEAST, left - LEAD, left / 2);
}
