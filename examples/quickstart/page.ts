import { readFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { extname } from "node:path";
import { build } from "esbuild";

const WEB = new URL("./web/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".js": "text/javascript; charset=utf-8",
};

const FILES: Readonly<Record<string, string>> = {
  "/": "index.html",
  "/style.css": "style.css",
  "/icon.svg": "icon.svg",
};

const HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy": "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Makes one script of the page's TypeScript and the client, from their source. Takes some tens of milliseconds. */
async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [new URL("main.ts", WEB).pathname],
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["sentseen-source"],
    sourcemap: "inline",
    write: false,
  });
  const [script] = outputFiles;
  if (script === undefined) throw new Error("esbuild made no script");
  return script.contents;
}

/** Answers requests for the page and nothing else. The script is bundled once, at the first request or before. */
export function servePage(): RequestListener {
  const script = bundle();
  // Whoever asks for the script is told; until then nobody is there to hear of it.
  script.catch(() => {});

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = FILES[pathname];
    const body = pathname === "/main.js" ? await script : file && (await readFile(new URL(file, WEB)));
    if (!body) {
      response.writeHead(404, { ...HEADERS, "content-type": "text/plain" }).end("not found\n");
      return;
    }
    const type = TYPES[extname(file ?? pathname)] ?? "application/octet-stream";
    response.writeHead(200, { ...HEADERS, "content-type": type }).end(body);
  }

  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500, { ...HEADERS, "content-type": "text/plain" }).end(`${error}\n`);
    });
  };
}
