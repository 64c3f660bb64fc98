export { ChatError, type ErrorCode, isChatError } from "../errors.js";
export type {
  ConnectionEntry,
  ConnectionRegistry,
  LiveConnection,
  NodeHandlers,
  NodeSession,
} from "./connection-registry.js";
export type { CryptoProvider, Encapsulated, KeyPair } from "./crypto.js";
export type { Alert, Notification, Push, PushProvider, PushResult } from "./push.js";
export type { Consumer, Consumption, Lease, Offset, Queue, QueueItem, QueueRecord } from "./queue.js";
export { partitionOf } from "./queue.js";
export type { Grant, Rate, RateLimiter } from "./rate-limiter.js";
export { type Adapter, CONTRACT, type Scope } from "./scope.js";
export type {
  DeviceRow,
  DeviceStateKey,
  HistoryRow,
  MailboxRow,
  Storage,
  Versioned,
  Write,
} from "./storage.js";
