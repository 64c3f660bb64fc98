import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type ServerOptions, WebSocketServer } from "ws";
import { WEBSOCKET_OPTIONS } from "../../src/gateway/gateway.js";
import { Outbox } from "../../src/gateway/outbox.js";
import { pongFrame, websocketFrame } from "../../src/gateway/websocket-frame.js";
import { venv } from "./python.js";

// kosoku drives Autobahn's cases against a server that echoes. The chat server has nothing to echo, so this one stands
// for it: the gateway's own options for reading, its own frames and its own outbox for writing.

let server: Server | undefined;
let reports: string | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  if (reports !== undefined) rmSync(reports, { recursive: true });
});

async function echo(options: ServerOptions & { readonly maxFragments?: number }): Promise<number> {
  const websockets = new WebSocketServer({ ...WEBSOCKET_OPTIONS, ...options });
  server = createServer();
  server.on("upgrade", (request, socket, head) => {
    websockets.handleUpgrade(request, socket, head, (ws) => {
      const outbox = new Outbox(socket);
      ws.on("message", (data: Buffer, binary: boolean) => {
        outbox.push(websocketFrame(binary ? data : data.toString()));
        outbox.flush();
      });
      ws.on("ping", (data: Buffer) => {
        outbox.push(pongFrame(data));
        outbox.flush();
      });
      ws.on("error", () => ws.terminate());
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return (listening.address() as AddressInfo).port;
}

interface Report {
  readonly behavior: "OK" | "NON-STRICT" | "INFORMATIONAL" | "UNIMPLEMENTED" | "FAILED";
  readonly behaviorClose: string;
  readonly remoteCloseCode: number | null;
}

/** What kosoku found, a report a case. */
async function kosoku(port: number, ...args: string[]): Promise<Map<string, Report>> {
  reports = mkdtempSync(join(tmpdir(), "sentseen-kosoku-"));
  const command = ["-m", "fuzzingclient", `127.0.0.1:${port}`, "-p", "4", "-o", reports, ...args];
  const output = await new Promise<string>((resolve) => {
    // It exits with 1 where a case fails; the reports tell which.
    execFile(venv("kosoku"), command, { timeout: 120_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  try {
    const [cases = {}] = Object.values(JSON.parse(readFileSync(join(reports, "index.json"), "utf8")));
    return new Map(Object.entries(cases as Record<string, Report>));
  } catch (cause) {
    throw new Error(`kosoku made no report:\n${output}`, { cause });
  }
}

function failures(cases: ReadonlyMap<string, Report>): string[] {
  const fine = ["OK", "NON-STRICT", "INFORMATIONAL"];
  return [...cases]
    .filter(([, { behavior, behaviorClose }]) => !fine.includes(behavior) || !fine.includes(behaviorClose))
    .map(([id, { behavior, remoteCloseCode }]) => `${id} ${behavior} ${remoteCloseCode}`);
}

test("the gateway's WebSockets keep to RFC 6455", { timeout: 150_000 }, async () => {
  // 9: how large messages may be, see below. 12 and 13: compression, which is never negotiated.
  const cases = await kosoku(await echo({}), "-x", "9.*", "-x", "12.*", "-x", "13.*");
  expect(cases.size).toBeGreaterThan(240);
  expect(failures(cases)).toEqual([]);
});

test("large messages pass whole, and those past the bounds close with the code that says so", {
  timeout: 150_000,
}, async () => {
  const bounded = await kosoku(await echo({}), "-i", "9.*");
  expect(bounded.size).toBe(54);
  for (const failure of failures(bounded)) expect(failure).toMatch(/ (1008|1009)$/);
  const passed = bounded.size - failures(bounded).length;
  expect(passed).toBeGreaterThanOrEqual(24);
  server?.close();

  const unbounded = await kosoku(await echo({ maxPayload: 1 << 25, maxFragments: 1 << 20 }), "-i", "9.*");
  expect(unbounded.size).toBe(54);
  expect(failures(unbounded)).toEqual([]);
});

test("compression is never negotiated", { timeout: 150_000 }, async () => {
  const cases = await kosoku(await echo({}), "-i", "12.1.*", "-i", "13.1.*");
  expect(cases.size).toBeGreaterThan(30);
  expect(new Set([...cases.values()].map(({ behavior }) => behavior))).toEqual(new Set(["UNIMPLEMENTED"]));
});
