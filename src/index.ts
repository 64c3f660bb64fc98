export type { AttachOptions, CloseOptions, ListenOptions } from "./call-options.js";
export type { ChatServerOptions } from "./config.js";
export { ERROR_TEXTS } from "./error-texts.js";
export { ChatError, ERRORS, type ErrorCode, isChatError } from "./errors.js";
export { type Authenticate, type Credentials, developmentAuth, type Identity } from "./gateway/authenticate.js";
export type { GroupOfHost, MessageOfHost, Placed } from "./gateway/host-commands.js";
export { type JwtAuthOptions, jwtAuth } from "./gateway/jwt-auth.js";
export type { Draft, Hooks, Verdict } from "./gateway/services.js";
export { DEAD_LETTERS, type DeadLetter, type DeadReason, readDeadLetter } from "./log/dead-letters.js";
export { PIPELINE_STEPS, type PipelineStep, type Probe } from "./log/probe.js";
export type { Metric, Sample } from "./metrics.js";
export { directConversation, newId, type UserId, type Uuid } from "./model/ids.js";
export { DEFAULT_LIMITS, type Limits } from "./model/limits.js";
export type { Change, ContentType, Entry, Envelope, GroupChange, Message, Role } from "./model/message.js";
export type { Rate } from "./ports/rate-limiter.js";
export {
  type ChatServer,
  type ChatServerEvents,
  type ChatServerStats,
  type ConnectionInfo,
  createChatServer,
} from "./server.js";
