import { ChatError } from "../errors.js";

/** Levels of arrays and objects in one message. */
export const MAX_DEPTH = 16;
/** Values in one message: the largest answer there is, watermarks of a page of full groups, has fewer. */
export const MAX_VALUES = 200_000;

/** Throws `malformed` for JSON too deep or too crowded to be a message, before anything of it is built. */
export function checkJsonShape(text: string): void {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) i = endOfString(text, i + 1);
    else if (code === 0x2c) values++;
    else if (code === 0x5b || code === 0x7b) {
      values++;
      if (++depth > MAX_DEPTH)
        throw new ChatError("malformed", `At most ${MAX_DEPTH} levels deep.`, { limit: MAX_DEPTH });
    } else if (code === 0x5d || code === 0x7d) depth--;
    if (values > MAX_VALUES) throw new ChatError("malformed", "Too many values in one message.", { limit: MAX_VALUES });
  }
}

/** Where the quote is that ends the string whose first character is at `from`; the text's length if none does. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = at;
    while (escapes > from && text.charCodeAt(escapes - 1) === 0x5c) escapes--;
    // An even number of backslashes escape each other, and not the quote.
    if ((at - escapes) % 2 === 0) return at;
  }
  return text.length;
}
