import { randomBytes } from "node:crypto";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { MSGPACK } from "../../../src/protocol/codec.js";

export interface UpgradeAnswer {
  /** 101 where the request was let through. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** How a server answers who asks for a WebSocket, with more headers or others. The connection ends with the answer. */
export function askForUpgrade(url: string, headers: Readonly<Record<string, string>> = {}): Promise<UpgradeAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(url.replace("ws:", "http:"), {
      agent: false,
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
        "Sec-WebSocket-Protocol": MSGPACK,
        ...headers,
      },
      signal: AbortSignal.timeout(10_000),
    });
    const answered = ({ statusCode = 0, headers: got, socket }: IncomingMessage): void => {
      resolve({ status: statusCode, headers: got });
      socket.destroy();
    };
    asked.on("upgrade", answered);
    asked.on("response", answered);
    asked.on("error", reject);
    asked.end();
  });
}
