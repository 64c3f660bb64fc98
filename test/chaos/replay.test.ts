import { beforeAll, expect, it } from "vitest";
import { replay } from "../replay/conductor.js";
import { generateTraffic } from "../replay/generate.js";
import { bundle } from "./bundle.js";

// Traffic of the shape of a busy channel, through a server process and processes of clients.

let files: { readonly serverFile: string; readonly clientsFile: string };

beforeAll(async () => {
  files = {
    serverFile: await bundle(new URL("./server.ts", import.meta.url)),
    clientsFile: await bundle(new URL("../replay/clients.ts", import.meta.url)),
  };
});

it("every member reads all that was said in its group, in order and once, though devices come and go", async () => {
  const traffic = generateTraffic(1, { users: 60, lines: 400 });
  const replayed = await replay("channel", traffic, { ...files, faults: false, seed: 1 });
  const users = new Set(traffic.map(({ user }) => user)).size;
  const said = traffic.filter((line) => line.do === "say").length;
  expect(replayed).toEqual({ users, groups: 1, said, checked: users * said, faults: 0 });
});

it("also in several groups, while connections are cut and frozen and the server is killed twice", async () => {
  const traffic = generateTraffic(2, { users: 120, lines: 800 });
  const replayed = await replay("channel", traffic, { ...files, faults: true, seed: 2 });
  expect(replayed.groups).toBe(2);
  expect(replayed.faults).toBeGreaterThan(20);
});

it("and where a line is missing, it is found", async () => {
  const traffic = generateTraffic(3, { users: 20, lines: 200 });
  const options = { ...files, faults: false, seed: 3, planted: "mailbox-skipped", patience: 1_000 } as const;
  await expect(replay("channel", traffic, options)).rejects.toThrow(/was told \d+ of \d+ lines|line \d+:/);
});
