import { z } from "zod";
import { ChatError, type ErrorCode } from "../errors.js";
import { CONTENT_TYPES } from "../model/message.js";
import { USER_BYTES } from "../protocol/frames.js";

// What the host's own code gives is checked like what comes from outside: it ends up in frames that clients check.

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Text of 1 to `most` bytes of UTF-8 that a frame can carry. */
export const plainText = (most: number) =>
  z
    .string()
    .refine((text) => text !== "" && Buffer.byteLength(text) <= most && !CONTROL.test(text) && text.isWellFormed(), {
      message: `1 to ${most} bytes of well-formed text without control characters are wanted`,
    });

export const userId = plainText(USER_BYTES);
export const uuid = z.guid().toLowerCase();
export const bytes = z.instanceof(Uint8Array);
export const contentType = z.enum(CONTENT_TYPES);

/** The value, as the schema has it. Throws `invalid`. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw errorOf(parsed.error, "invalid");
}

/** What a schema found first, as an error that names the field and, where a bound was passed, the limit. */
export function errorOf(error: z.ZodError, code: ErrorCode): ChatError {
  const { issue, path } = innermost(error.issues[0]);
  const keys = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const field = [...path, ...keys].join(".");
  return new ChatError(code, `${field}: ${issue?.message}`, { field, limit: limitOf(issue), cause: error });
}

type Issue = z.core.$ZodIssue;

/** What is wrong with a value that may be of several kinds: with the kind that it comes closest to. */
function innermost(
  issue: Issue | undefined,
  above: readonly PropertyKey[] = [],
): {
  readonly issue: Issue | undefined;
  readonly path: readonly PropertyKey[];
} {
  const path = [...above, ...(issue?.path ?? [])];
  if (issue?.code !== "invalid_union") return { issue, path };
  const depth = (issues: readonly Issue[]): number => issues[0]?.path.length ?? 0;
  const [closest] = issue.errors.toSorted((a, b) => a.length - b.length || depth(b) - depth(a));
  return depth(closest ?? []) > 0 ? innermost(closest?.[0], path) : { issue, path };
}

function limitOf(issue: Issue | undefined): number | undefined {
  if (issue?.code === "too_big") return Number(issue.maximum);
  if (issue?.code === "too_small") return Number(issue.minimum);
  return undefined;
}
