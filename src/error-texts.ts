import { type ChatError, type ErrorCode, plainText } from "./errors.js";

/** What each error means, for people. Apart from the table of errors, since a client in a browser needs only that. */
export const ERROR_TEXTS: Readonly<Record<ErrorCode, string>> = {
  malformed: "The bytes are not a frame of this protocol.",
  unknown_type: "No frame has this type.",
  invalid: "A field is missing or out of bounds.",
  too_large: "A field or the frame is larger than its limit.",
  unauthenticated: "The first frame must be hello.",
  token_refused: "The token was refused.",
  hello_timeout: "No hello came in time.",
  already_greeted: "hello was sent already.",
  rate_limited: "Too many in too short a time; retry_after says when to go on.",
  refused: "The host refused the message.",
  not_found: "There is no such conversation.",
  not_member: "The user is not a member of the conversation.",
  forbidden: "The user's role does not allow this.",
  already_exists: "A conversation with this id exists already.",
  group_full: "The group has as many members as it may have.",
  not_kept: "History is not kept after delivery here.",
  store_unavailable: "Storage or queue can't be reached; the command may or may not have been stored.",
  timeout: "No answer in time.",
  draining: "The server is going away; come back later.",
  overloaded: "The server takes on no more just now; come back later.",
  slow: "The connection doesn't take what is sent to it.",
  idle: "No sign of life for too long.",
  replaced: "A newer connection of the same device took over.",
  disconnected: "The host ended the connection.",
  undecryptable: "The ciphertext is not what its sender made, or not for this device.",
  replayed: "The message was decrypted before, or is too old.",
  untrusted: "A key or a list of devices is not signed as it has to be.",
  closed: "The server or client was closed.",
  config: "An option is missing, unknown or out of bounds.",
  incompatible: "The parts do not fit together.",
  in_use: "Another process has it open.",
  corrupt: "The stored data is damaged or not of this program.",
  internal: "A fault of the server's own.",
};

/** What an error says to people: its own words, or else what its code means. */
export function textOf({ code, message }: ChatError): string {
  return message === plainText(code) ? ERROR_TEXTS[code] : message;
}
