import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ChatServer, createChatServer, developmentAuth } from "sentseen";
import { memory } from "sentseen/memory";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/sentseen.js", import.meta.url));

let server: ChatServer;
let url: string;
let home: string;
let people: Person[];

/** Somebody at a terminal: what the program wrote, and what they type. */
class Person {
  output = "";
  private readonly child: ChildProcess;
  readonly exited: Promise<number | null>;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, HOME: home },
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.exited = once(this.child, "exit").then(([code]) => code as number | null);
  }

  type(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Ctrl-D. Resolves with the exit code. */
  async leave(): Promise<number | null> {
    this.child.stdin?.end();
    return this.exited;
  }

  async sees(text: string | RegExp): Promise<void> {
    await vi.waitFor(() => expect(this.output).toMatch(text), { timeout: 20_000, interval: 20 });
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "sentseen-home-"));
  server = createChatServer({ ...memory(), authenticate: developmentAuth() });
  ({ url } = await server.listen({ port: 0 }));
  people = [];
});

afterEach(async () => {
  for (const person of people) person.kill();
  await Promise.all(people.map(({ exited }) => exited));
  await server.close();
  await rm(home, { recursive: true, force: true });
});

function sit(name: string, ...args: string[]): Person {
  const person = new Person("chat", "--as", name, "--url", url, ...args);
  people.push(person);
  return person;
}

test("two terminals chat, and the ticks go from sent to read", async () => {
  const alice = sit("alice", "--to", "bob");
  alice.type("hi bob");
  await alice.sees(/✓ hi bob/);
  const bob = sit("bob");
  await bob.sees(/alice: hi bob/);
  await alice.sees(/✓✓ read hi bob/);
  bob.type("hi alice");
  await alice.sees(/bob: hi alice/);
  expect(await alice.leave()).toBe(0);
  expect(await bob.leave()).toBe(0);
});

test("lines that are piped in are all sent before the program ends", async () => {
  const alice = sit("alice", "--to", "bob");
  for (let i = 1; i <= 20; i++) alice.type(`line ${i}`);
  expect(await alice.leave()).toBe(0);
  const bob = sit("bob");
  await bob.sees(/line 20/);
  expect([...bob.output.matchAll(/alice: line (\d+)/g)].map(([, i]) => Number(i))).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

test("a group is made, talked in, renamed and left by commands", async () => {
  const [alice, bob] = [sit("alice"), sit("bob")];
  await alice.sees(/online/);
  alice.type("/group lunch bob");
  await bob.sees(/\[lunch\] alice made the group lunch: alice, bob/);
  alice.type("pizza?");
  await bob.sees(/\[lunch\] alice: pizza\?/);
  bob.type("/group lunch");
  bob.type("/who");
  await bob.sees(/alice \(owner\), bob \(member\)/);
  alice.type("/rename dinner");
  await bob.sees(/alice renamed the group to dinner/);
  bob.type("/leave");
  await alice.sees(/\[dinner\] bob left/);
});

test("what others write can't control the terminal", async () => {
  const bob = sit("bob");
  await bob.sees(/online/);
  await server.send({ from: "mallory", to: { user: "bob" }, content: "\u001b[2Jgone\u0007\u202e" });
  await bob.sees(/mallory: \ufffd\[2Jgone\ufffd\ufffd/);
});

test("a second terminal of the same user is told to take a directory of its own", async () => {
  const first = sit("alice");
  await first.sees(/online/);
  const second = sit("alice");
  expect(await second.exited).toBe(1);
  expect(second.output).toMatch(/--data/);
  const third = sit("alice", "--data", join(home, "other"));
  await third.sees(/online/);
});

test("unknown options and commands are explained", async () => {
  const lost = new Person("chat", "--nobody");
  people.push(lost);
  expect(await lost.exited).toBe(2);
  expect(lost.output).toMatch(/Usage: sentseen chat --as NAME/);
  const alice = sit("alice");
  alice.type("/dance");
  await alice.sees(/There is no \/dance/);
  alice.type("/help");
  await alice.sees(/\/group NAME/);
});
