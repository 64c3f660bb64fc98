import { WebSocket } from "ws";
import { provideWebSocket } from "./socket.js";

// The platform's own WebSocket, where Node has one, can neither be cut nor stopped from reading.
provideWebSocket(WebSocket);

export * from "./index.js";
export { fileStore } from "./node/file-store.js";
