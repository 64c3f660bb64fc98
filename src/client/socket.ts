/** What the client needs of a WebSocket: the browser's own and the ws package's both have it. */
export interface Socket {
  binaryType: string;
  /** The sub-protocol that the server chose. */
  readonly protocol: string;
  // Each platform has its own types of events; only `data` and `code` are looked at.
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: Uint8Array<ArrayBuffer> | string): void;
  close(code?: number): void;
  /** Ends the connection without a farewell, where it can be done. */
  terminate?(): void;
  /** Stops and starts reading, where it can be done. */
  pause?(): void;
  resume?(): void;
}

/** Makes a socket that begins to connect at once. */
export type SocketConstructor = new (url: string, subProtocols: string[]) => Socket;

let fallback: SocketConstructor | undefined;

/** Gives the constructor that is taken where the platform has no WebSocket of its own. */
export function provideWebSocket(webSocket: SocketConstructor): void {
  fallback = webSocket;
}

export function defaultWebSocket(): SocketConstructor | undefined {
  return fallback ?? (globalThis.WebSocket as unknown as SocketConstructor | undefined);
}
