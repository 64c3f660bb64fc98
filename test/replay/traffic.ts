/** One line of recorded traffic. */
export type Line =
  | { readonly do: "say"; readonly user: string; readonly text: string }
  | { readonly do: "join" | "leave"; readonly user: string };

/**
 * Reads traffic as JSONL: `{"t": minute, "do": "say" | "join" | "leave", "user": "u0042", "text"?}`, in order. The
 * minutes only tell people when it was. Throws with the line's number where a line is something else.
 */
export function parseTraffic(jsonl: string): Line[] {
  const lines: Line[] = [];
  jsonl.split("\n").forEach((text, index) => {
    if (text.trim() !== "") lines.push(parseLine(text, index + 1));
  });
  return lines;
}

function parseLine(text: string, number: number): Line {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`line ${number} is not JSON`, { cause });
  }
  const { do: what, user, text: said } = value;
  if (typeof user !== "string" || user === "") throw new Error(`line ${number} names no user`);
  if (what === "join" || what === "leave") return { do: what, user };
  if (what === "say" && typeof said === "string") return { do: what, user, text: said };
  throw new Error(`line ${number} is neither say, join nor leave`);
}
