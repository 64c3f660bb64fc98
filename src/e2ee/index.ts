export type { CryptoProvider, Encapsulated, KeyPair } from "../ports/crypto.js";
export type { Address } from "./bytes.js";
export type { Self, UsedPrekeys } from "./handshake.js";
export { libsodiumProvider } from "./libsodium-provider.js";
export {
  claimAccount,
  isAccountClaimed,
  type ListedDevice,
  type Manifest,
  manifestHash,
  readManifest,
  signManifest,
} from "./manifest.js";
export { type Bundle, checkBundle, type OneTimePrekey, type SignedPrekey, signPrekey } from "./prekeys.js";
export { BOUNDS, type Bounds, type Ratchet } from "./ratchet.js";
export {
  type AccountHolder,
  isTheirCode,
  safetyCode,
  safetyNumber,
} from "./safety-number.js";
export { type Aead, type Labels, type Scheme, schemeFor } from "./scheme.js";
export {
  type GroupContext,
  keyToGive,
  newSendingKey,
  openFromGroup,
  type ReceivingKey,
  receivedKey,
  type SendingKey,
  sealForGroup,
  withKey,
} from "./sender-key.js";
export {
  acceptSession,
  beginSession,
  type Opening,
  openMessage,
  readOpening,
  SESSION_MESSAGES,
  type Session,
  sealMessage,
} from "./session.js";
export { SUITE, type Suite } from "./wire.js";
