import { ChatError } from "../errors.js";

const MAX_DEPTH = 16;
/** Values in one message: frames are few and flat, so more than this is an attack. */
const MAX_VALUES = 70_000;

/** Throws `malformed` for JSON too deep or too crowded to be a message, before anything of it is built. */
export function checkJsonShape(text: string): void {
  let depth = 0;
  let values = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 0x5c) i++;
      else if (code === 0x22) quoted = false;
      continue;
    }
    if (code === 0x22) quoted = true;
    else if (code === 0x2c) values++;
    else if (code === 0x5b || code === 0x7b) {
      values++;
      if (++depth > MAX_DEPTH) throw new ChatError("malformed", `At most ${MAX_DEPTH} levels deep.`, { limit: MAX_DEPTH });
    } else if (code === 0x5d || code === 0x7d) depth--;
    if (values > MAX_VALUES) throw new ChatError("malformed", "Too many values in one message.", { limit: MAX_VALUES });
  }
}
