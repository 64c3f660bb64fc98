import type { Statement } from "./client.js";
import { readCql } from "./cql-files.js";

/** Every operation on rows; the file cql/NAME.cql has its text. */
const OPERATIONS = [
  "delete-device-state",
  "delete-mailbox-rows",
  "delete-member",
  "delete-registration",
  "put-checkpoint",
  "put-cleared",
  "put-conversation",
  "put-delivered",
  "put-device-position",
  "put-device-seen",
  "put-device-state",
  "put-history",
  "put-history-bucket",
  "put-mailbox-first",
  "put-mailbox-last",
  "put-mailbox-row",
  "put-mailbox-until",
  "put-member",
  "put-read",
  "put-removed",
  "put-trimmed",
  "read-checkpoint",
  "read-conversation",
  "read-device-state",
  "read-device-states",
  "read-devices",
  "read-history",
  "read-history-back",
  "read-history-buckets",
  "read-history-buckets-back",
  "read-mailbox-buckets",
  "read-mailbox-rows",
  "read-memberships",
  "read-receipts",
  "read-registrations",
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** The statements of a keyspace. */
export class Statements {
  readonly #texts: ReadonlyMap<Operation, string>;

  constructor(keyspace: string) {
    this.#texts = new Map(OPERATIONS.map((name) => [name, statementText(name, { keyspace })]));
  }

  /** An operation with its parameters, in the order of the text's question marks. */
  of(operation: Operation, ...params: unknown[]): Statement {
    return { query: this.#texts.get(operation) as string, params };
  }
}

/** The text of a file that holds one statement. */
export function statementText(file: string, names: Readonly<Record<string, string>>): string {
  return statementTexts(file, names)[0] as string;
}

/** The statements of a file, without comments, with the names in braces put in. */
export function statementTexts(file: string, names: Readonly<Record<string, string>>): string[] {
  const text = readCql(file)
    .replaceAll(/--.*$/gm, "")
    .replaceAll(/\{([a-z_:]+)\}/g, (braces, name: string) => names[name] ?? braces);
  return text
    .split(";")
    .map((statement) => statement.replaceAll(/\s+/g, " ").trim())
    .filter((statement) => statement !== "");
}
