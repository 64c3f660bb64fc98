export type { ErrorCode } from "../errors.js";
export { ChatError, isChatError } from "../errors.js";
export type { UserId, Uuid } from "../model/ids.js";
export type { ContentType, Envelope, GroupChange, Role } from "../model/message.js";
export type { ChatClient, ChatMember, Recipient, SendOptions } from "./client.js";
export { createChatClient } from "./client.js";
export type { ClientClock } from "./clock.js";
export type { ConversationSummary } from "./conversations.js";
export type { ChatState, ClientEvents, Gap } from "./events.js";
export type { HistoryPage, HistoryRange } from "./history.js";
export { directConversation, newId } from "./ids.js";
export type { ChatChange, ChatEntry, ChatMessage, Status, StoredEntry, StoredMessage } from "./message.js";
export type { ChatClientOptions } from "./options.js";
export type { Socket, SocketConstructor } from "./socket.js";
export { indexedDbStore } from "./stores/indexed-db-store.js";
export type { MemoryStoreOptions } from "./stores/memory-store.js";
export { memoryStore } from "./stores/memory-store.js";
export type {
  ClientStore,
  CommandFrame,
  ConversationRow,
  EntryRange,
  Mark,
  Meta,
  OutboxRow,
  StoreContents,
  StoredMember,
  StoreStep,
} from "./stores/store.js";
export type { TokenAnswer, TokenSource } from "./token.js";
