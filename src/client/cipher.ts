import type { UserId, Uuid } from "../model/ids.js";
import type { ContentType, Envelope } from "../model/message.js";
import type { StoredMessage } from "./message.js";
import type { Records } from "./transaction.js";

/** A message on its way out, before it gets into the outbox. */
export interface Outgoing {
  readonly id: Uuid;
  readonly conversation: Uuid;
  /** The other user of a direct conversation. */
  readonly to?: UserId;
  readonly content_type: ContentType;
  readonly content: Uint8Array;
  /** Parts for single devices, as the application gave them. */
  readonly envelopes?: readonly Envelope[];
}

export interface Sealed {
  readonly content: Uint8Array;
  readonly envelopes?: readonly Envelope[];
}

/**
 * What stands between messages and frames: the place for encryption. Both work inside the step of the store that the
 * message belongs to, so what a cipher writes to `records` lands together with the outbox row or the entry. A message
 * is sealed once; what was sealed is repeated unchanged.
 */
export interface Cipher {
  seal(outgoing: Outgoing, records: Records): Sealed | Promise<Sealed>;
  /** The message as the application shall see it. Own messages of this device don't pass here. */
  open(incoming: StoredMessage, records: Records): StoredMessage | Promise<StoredMessage>;
}

/** Passes everything as it is. */
export const plainCipher: Cipher = {
  seal: (outgoing) => outgoing,
  open: (incoming) => incoming,
};
