import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createChatClient } from "sentseen/client/node";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the client finds in a browser and Node 20 doesn't have. */
const BROWSER = `
import "fake-indexeddb/auto";
import { WebSocket } from "ws";
Object.assign(globalThis, { WebSocket });
`;

let directory: string;
let children: ChildProcess[];

beforeEach(async () => {
  // Below the checkout, so that the packages' names lead to them.
  await mkdir(join(ROOT, "node_modules/.cache"), { recursive: true });
  directory = await mkdtemp(join(ROOT, "node_modules/.cache/readme-"));
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    const exited = once(child, "exit");
    if (child.exitCode === null && child.kill("SIGKILL")) await exited;
  }
  await rm(directory, { recursive: true, force: true });
});

/** The README's blocks of TypeScript. */
async function blocks(): Promise<string[]> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  return [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code as string);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Runs code as a program of its own; answers what it wrote so far. */
async function start(name: string, code: string): Promise<() => string> {
  await writeFile(join(directory, name), code);
  const child = spawn(process.execPath, ["--conditions=sentseen-source", "--import", "tsx", name], { cwd: directory });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return () => output;
}

test("the README's server and client run as they stand there", async () => {
  const [server, client] = await blocks();
  const port = await freePort();
  const at = (code: string | undefined): string => (code as string).replaceAll("3000", String(port));
  expect(at(server)).toContain(`listen(${port}`);
  await start("server.mts", at(server));
  const alice = await start("client.mts", `${BROWSER}${at(client)}`);

  const bob = createChatClient({ url: `ws://127.0.0.1:${port}/chat`, token: "bob" });
  const heard: string[] = [];
  bob.on("message", ({ sender, text }) => heard.push(`${sender}: ${text}`));
  await bob.connect();
  await vi.waitFor(() => expect(heard).toEqual(["alice: hi"]), { timeout: 20_000 });
  await vi.waitFor(() => expect(alice()).toMatch(/hi delivered/), { timeout: 20_000 });
  await bob.close();
});
