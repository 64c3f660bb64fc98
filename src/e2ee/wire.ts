import { concat, malformed, Reader, u32 } from "./bytes.js";
import { isCanonicalPoint } from "./canonical.js";

/** Every message begins with the version of its layout, its type, and its suite. */
export const VERSION = 1;
export const TYPE = { message: 1, prekey: 2, group: 3 } as const;
/** How a session's first secret is agreed on: by X25519 alone, or with ML-KEM-768 beside. */
export const SUITE = { classic: 1, pq: 2 } as const;
export type Suite = (typeof SUITE)[keyof typeof SUITE];

export const NONCE_LENGTH = 24;
const TAG_LENGTH = 16;
const KEM_CIPHERTEXT_LENGTH = 1088;
const FLAG = { oneTime: 1, kem: 2 } as const;

/** ver | type | suite | dh 32 | pn u32 | n u32, then nonce 24 | ciphertext and tag. */
export interface RatchetMessage {
  readonly suite: Suite;
  /** The sender's ratchet key. */
  readonly dh: Uint8Array;
  /** How many messages went under the sender's ratchet key before this one. */
  readonly pn: number;
  /** Which message under `dh` it is, from 0. */
  readonly n: number;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** A prekey of the receiver that the sender used, by its id. */
export interface KemUse {
  readonly id: number;
  readonly ciphertext: Uint8Array;
}

/**
 * What precedes the messages of a session until its first answer:
 * ver | type | suite | flags | ik 32 | ek 32 | reg_id u32 | spk_id u32 | opk_id u32 | kpk_id u32 | kem_ct 0 or 1088.
 * Whether `opk_id` and `kpk_id` mean anything is told by flags, so that 0 is an id like others.
 */
export interface PrekeyHeader {
  readonly suite: Suite;
  /** The sender's identity, an Ed25519 key. */
  readonly identity: Uint8Array;
  readonly ephemeral: Uint8Array;
  /** Changes when the sender's device was set up anew. */
  readonly registration: number;
  readonly signedPrekey: number;
  readonly oneTimePrekey: number | null;
  readonly kem: KemUse | null;
}

export function messageHeader(suite: Suite, dh: Uint8Array, pn: number, n: number): Uint8Array {
  return concat(new Uint8Array([VERSION, TYPE.message, suite]), dh, u32(pn), u32(n));
}

/** Throws `malformed` for what is none, and for a key with a second encoding. */
export function parseMessage(bytes: Uint8Array): RatchetMessage {
  const reader = new Reader(bytes);
  const suite = readStart(reader, TYPE.message);
  const dh = readPoint(reader, "dh");
  const pn = reader.u32("pn");
  const n = reader.u32("n");
  const nonce = reader.take(NONCE_LENGTH, "nonce");
  const ciphertext = reader.rest();
  if (ciphertext.length < TAG_LENGTH) throw malformed("ciphertext", "too short");
  return { suite, dh, pn, n, nonce, ciphertext };
}

export function prekeyHeader(header: PrekeyHeader): Uint8Array {
  const flags = (header.oneTimePrekey === null ? 0 : FLAG.oneTime) | (header.kem === null ? 0 : FLAG.kem);
  return concat(
    new Uint8Array([VERSION, TYPE.prekey, header.suite, flags]),
    header.identity,
    header.ephemeral,
    u32(header.registration),
    u32(header.signedPrekey),
    u32(header.oneTimePrekey ?? 0),
    u32(header.kem?.id ?? 0),
    header.kem?.ciphertext ?? new Uint8Array(0),
  );
}

/** A first message in its parts: the header, its very bytes, and the message behind it. Throws `malformed`. */
export function parsePrekeyMessage(bytes: Uint8Array): {
  header: PrekeyHeader;
  headerBytes: Uint8Array;
  message: Uint8Array;
} {
  const reader = new Reader(bytes);
  const suite = readStart(reader, TYPE.prekey);
  const flags = reader.u8("flags");
  if (flags & ~(FLAG.oneTime | FLAG.kem)) throw malformed("flags", "unknown ones");
  if (((flags & FLAG.kem) !== 0) !== (suite === SUITE.pq)) throw malformed("flags", "not those of the suite");
  const identity = reader.take(32, "ik");
  const ephemeral = readPoint(reader, "ek");
  const registration = reader.u32("reg_id");
  const signedPrekey = reader.u32("spk_id");
  const oneTime = reader.u32("opk_id");
  const kem = reader.u32("kpk_id");
  const header: PrekeyHeader = {
    suite,
    identity,
    ephemeral,
    registration,
    signedPrekey,
    oneTimePrekey: flags & FLAG.oneTime ? oneTime : null,
    kem: flags & FLAG.kem ? { id: kem, ciphertext: reader.take(KEM_CIPHERTEXT_LENGTH, "kem_ct") } : null,
  };
  if ((header.oneTimePrekey === null && oneTime !== 0) || (header.kem === null && kem !== 0)) {
    throw malformed("flags", "an id that is of no prekey");
  }
  return { header, headerBytes: reader.read(), message: reader.rest() };
}

/** The type of a message, before it is parsed. Throws `malformed` for another version or an unknown type. */
export function typeOf(bytes: Uint8Array): keyof typeof TYPE {
  const reader = new Reader(bytes);
  if (reader.u8("ver") !== VERSION) throw malformed("ver", `only ${VERSION} is known`);
  const type = reader.u8("type");
  for (const [name, value] of Object.entries(TYPE)) if (value === type) return name as keyof typeof TYPE;
  throw malformed("type", "unknown");
}

/** The three bytes that every message begins with. */
export function readStart(reader: Reader, type: number): Suite {
  if (reader.u8("ver") !== VERSION) throw malformed("ver", `only ${VERSION} is known`);
  if (reader.u8("type") !== type) throw malformed("type", "not that of this message");
  const suite = reader.u8("suite");
  if (suite !== SUITE.classic && suite !== SUITE.pq) throw malformed("suite", "unknown");
  return suite;
}

function readPoint(reader: Reader, field: string): Uint8Array {
  const point = reader.take(32, field);
  if (!isCanonicalPoint(point)) throw malformed(field, "not canonical");
  return point;
}
