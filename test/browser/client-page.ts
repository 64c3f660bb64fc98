import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { ChatServer } from "sentseen";
import { createChatServer, developmentAuth } from "sentseen";
import { memory } from "sentseen/memory";

const ENTRY = fileURLToPath(new URL("./client-in-page.ts", import.meta.url));

/** An origin that serves an empty page with the client in it, and a chat server beside it. */
export class ClientPage {
  private constructor(
    readonly url: string,
    readonly chat: ChatServer,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<ClientPage> {
    const bundle = await build({
      entryPoints: [ENTRY],
      bundle: true,
      write: false,
      format: "esm",
      conditions: ["sentseen-source"],
      platform: "browser",
    });
    const script = bundle.outputFiles[0]?.text ?? "";
    const http = createServer((request, response) => {
      const isScript = request.url === "/client.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(
        isScript ? script : '<!doctype html><title>client</title><script type="module" src="/client.js"></script>',
      );
    });
    const chat = createChatServer({ ...memory(), authenticate: developmentAuth() });
    chat.attach(http, { path: "/chat" });
    await chat.start();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as { port: number };
    return new ClientPage(`http://127.0.0.1:${port}`, chat, async () => {
      await chat.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    });
  }

  close(): Promise<void> {
    return this.stop();
  }
}
