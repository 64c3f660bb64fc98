import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProduct } from "../../bench/built.js";

// What somebody has who installs the packages: the very tarballs, in a project of their own.

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

let project: string;
let files: string[];

beforeAll(async () => {
  buildProduct();
  project = await mkdtemp(join(tmpdir(), "sentseen-package-"));
  const packed = await run(
    "npm",
    ["pack", "--json", "--pack-destination", project, "--workspace", "sentseen", "--workspace", "@sentseen/lmdb"],
    { cwd: ROOT, maxBuffer: 16_777_216 },
  );
  const tarballs: { name: string; filename: string; files: { path: string }[] }[] = JSON.parse(packed.stdout);
  files = tarballs.find(({ name }) => name === "sentseen")?.files.map(({ path }) => path) ?? [];
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "host", private: true, type: "module" }));
  const archives = tarballs.map(({ filename }) => `./${filename}`);
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...archives, "@types/node@20"], {
    cwd: project,
  });
});

afterAll(async () => {
  await rm(project, { recursive: true, force: true });
});

async function script(name: string, text: string): Promise<string> {
  await writeFile(join(project, name), text);
  const { stdout } = await run(process.execPath, [name], { cwd: project, timeout: 60_000 });
  return stdout.trim();
}

const CHAT = `
  async function twoTalk() {
    const parts = { ...memory(), ...lmdb({ directory: "./data-" + kind }) };
    const chat = createChatServer({ ...parts, authenticate: developmentAuth() });
    const { url } = await chat.listen({ port: 0 });
    const [alice, bob] = ["alice", "bob"].map((token) => createChatClient({ url, token, store: memoryStore() }));
    const heard = new Promise((resolve) => bob.on("message", (message) => resolve(message.text)));
    await Promise.all([alice.connect(), bob.connect()]);
    const { id } = await alice.send({ user: "bob" }, "hi from " + kind);
    const { seq } = await alice.settled(id);
    console.log(await heard, seq);
    await Promise.all([alice.close(), bob.close()]);
    await chat.close();
  }
`;

test("import works: server, embedded store, client and the entries beside them", async () => {
  const told = await script(
    "host.mjs",
    `
    import { createChatServer, developmentAuth, isChatError, ChatError } from "sentseen";
    import { memoryStore } from "sentseen/client";
    import { createChatClient, fileStore } from "sentseen/client/node";
    import { memory } from "sentseen/memory";
    import { CONTRACT, ChatError as PortsError } from "sentseen/ports";
    import * as testing from "sentseen/testing";
    import * as protocol from "sentseen/protocol";
    import { lmdb } from "@sentseen/lmdb";
    const kind = "import";
    ${CHAT}
    await twoTalk();
    console.log(typeof fileStore, CONTRACT, PortsError === ChatError, isChatError(new ChatError("closed")));
    console.log(Object.keys(testing).length > 0, Object.keys(protocol).length > 0);
    `,
  );
  expect(told).toBe("hi from import 1\nfunction 1 true true\ntrue true");
});

test("require works the same, and both recognise each other's errors", async () => {
  const told = await script(
    "host.cjs",
    `
    const { createChatServer, developmentAuth, isChatError, ChatError } = require("sentseen");
    const { memoryStore } = require("sentseen/client");
    const { createChatClient, fileStore } = require("sentseen/client/node");
    const { memory } = require("sentseen/memory");
    const { CONTRACT, ChatError: PortsError } = require("sentseen/ports");
    const testing = require("sentseen/testing");
    const protocol = require("sentseen/protocol");
    const { lmdb } = require("@sentseen/lmdb");
    const kind = "require";
    ${CHAT}
    (async () => {
      await twoTalk();
      console.log(typeof fileStore, CONTRACT, PortsError === ChatError);
      const other = await import("sentseen");
      console.log(other.ChatError === ChatError, other.isChatError(new ChatError("closed")));
      console.log(Object.keys(testing).length > 0, Object.keys(protocol).length > 0);
    })();
    `,
  );
  expect(told).toBe("hi from require 1\nfunction 1 true\nfalse true\ntrue true");
});

const TYPED = `
  import { createServer } from "node:http";
  import { createChatServer, developmentAuth, type ChatServer } from "sentseen";
  import { createChatClient, memoryStore, type ChatMessage } from "sentseen/client";
  import { fileStore } from "sentseen/client/node";
  import { memory } from "sentseen/memory";
  import type { Storage } from "sentseen/ports";
  import { lmdb } from "@sentseen/lmdb";
  const parts = { ...memory(), ...lmdb({ directory: "d" }) };
  const chat: ChatServer = createChatServer({ ...parts, authenticate: developmentAuth() });
  chat.attach(createServer());
  const client = createChatClient({ url: "ws://localhost/chat", token: "alice", store: memoryStore() });
  client.on("message", (message: ChatMessage) => message.text.length);
  export const storage: Storage = memory().storage;
  export const store = fileStore("d");
  // @ts-expect-error: a user is named by text
  client.send({ user: 7 }, "hi");
`;

test.each([
  ["Node's ESM", "typed.mts", "NodeNext", "NodeNext"],
  ["Node's CommonJS", "typed.cts", "NodeNext", "NodeNext"],
  ["a bundler", "typed.ts", "ESNext", "Bundler"],
])("types resolve for %s, without skipping the packages' own", async (_who, file, module, moduleResolution) => {
  await writeFile(join(project, file), TYPED);
  const compilerOptions = {
    module,
    moduleResolution,
    target: "ES2022",
    lib: ["ES2024", "DOM", "ESNext.Disposable"],
    types: ["node"],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", project], { cwd: project }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe("");
});

test("the tarball holds what is needed and nothing else", () => {
  const needed = ["LICENSE", "README.md", "CHANGELOG.md", "bin/sentseen.js", "dist/index.js", "dist/index.d.cts"];
  expect(files).toEqual(expect.arrayContaining(needed));
  expect(
    files.filter((path) => /(^|\/)(test|bench|scripts|node_modules|data|examples)\/|\.env|\.tgz$/.test(path)),
  ).toEqual([]);
});

test("npx sentseen says how it is used", async () => {
  const { stdout } = await run("npx", ["--no-install", "sentseen", "--help"], { cwd: project });
  expect(stdout).toContain("sentseen chat --as");
});
