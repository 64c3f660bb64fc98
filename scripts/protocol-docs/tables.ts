import { comesBack, ERROR_TEXTS, ERRORS, type ErrorCode, JSON_TEXT, MSGPACK } from "../../src/protocol/index.js";
import { table } from "./markdown.js";

export function subProtocols(): string {
  return table(
    ["sub-protocol", "what a WebSocket message is"],
    [
      [`\`${MSGPACK}\``, "binary: plain MessagePack, without extension types"],
      [`\`${JSON_TEXT}\``, "text: JSON. The server takes the same as binary, too, as UTF-8"],
    ],
  );
}

export function kinds(): string {
  return table(
    ["kind", "JSON", "MessagePack"],
    [
      [
        "number",
        "a whole number from 0 to 2^53 - 1",
        "the same in any integer format; a float of such a value is taken",
      ],
      ["text", "a string of well-formed Unicode, without control characters (U+0000 to U+001F, U+007F)", "str, UTF-8"],
      ["id", "a UUID in its canonical form: lower case, with dashes", "bin of 16 bytes"],
      ["bytes", "a string: base64url (RFC 4648, section 5), padding may be left out, and is by the server", "bin"],
      ["flag", "true or false", "true or false"],
      ["one of", "one of the strings", "one of the strings"],
      ["list", "array", "array"],
      ["map", "object", "map with keys of str"],
    ],
  );
}

/** Errors that the library gives to its own program. No frame carries them. */
const ENCRYPTION: readonly ErrorCode[] = ["undecryptable", "replayed", "untrusted"];
const LOCAL: readonly ErrorCode[] = [...ENCRYPTION, "timeout", "closed", "config", "incompatible", "in_use", "corrupt"];

const ON_THE_WIRE = Object.entries(ERRORS).filter(([code]) => !LOCAL.includes(code as ErrorCode));

/** A page of all errors, those of the wire and those of the library. */
export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, { retryable, close }]) => [
    `\`${code}\``,
    LOCAL.includes(code as ErrorCode) ? "the library" : "the wire",
    retryable ? "yes" : "no",
    close === undefined ? "" : `${close}`,
    ERROR_TEXTS[code as ErrorCode],
  ]);
  return [
    "# Errors",
    "Everything that can go wrong has a code that programs branch on. In JavaScript it is a `ChatError`, recognised by " +
      "`isChatError` and told apart by `code`; over the wire it is an [`error` frame](../protocol.md#errors). *Again* says " +
      "whether the same request may succeed later without being changed. `field`, `limit` and `retry_after` " +
      "(milliseconds) are there where they tell something.",
    "Generated from `src/errors.ts` by `npm run docs`.",
    table(["code", "comes from", "again", "closes the connection with", "meaning"], rows),
    "## Close codes",
    closeCodes(),
  ].join("\n\n");
}

export function errors(): string {
  return table(
    ["code", "again", "closes with", "meaning"],
    ON_THE_WIRE.map(([code, { retryable, close }]) => [
      `\`${code}\``,
      retryable ? "yes" : "no",
      close === undefined ? "" : `${close}`,
      ERROR_TEXTS[code as ErrorCode],
    ]),
  );
}

const STANDARD: readonly (readonly [code: number, reason: string])[] = [
  [1000, "The client closed."],
  [1002, "The bytes are no WebSocket frames (RFC 6455), or control frames are broken."],
  [1006, "No close came: the network is gone, or the other side."],
  [1007, "Text is not UTF-8."],
  [1008, "A message has too many fragments."],
  [1009, "A message is too large to be read: find out which, and don't send it again."],
  [1011, "A fault of the server's own."],
];

export function closeCodes(): string {
  const own = ON_THE_WIRE.flatMap(([code, { close }]) =>
    close === undefined ? [] : [[close, `\`${code}\`: ${ERROR_TEXTS[code as ErrorCode]}`] as const],
  );
  const rows = [...STANDARD, ...own].sort(([one], [other]) => one - other);
  return table(
    ["close code", "reason", "what a client does"],
    rows.map(([code, reason]) => [`${code}`, reason, code === 1000 ? "as it wants" : reaction(code)]),
  );
}

function reaction(code: number): string {
  if (!comesBack(code)) return "stays away";
  return code === ERRORS.token_refused.close ? "comes back, with a fresh token" : "comes back";
}
