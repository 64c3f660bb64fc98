import { expect, it } from "vitest";
import { bundle } from "../chaos/bundle.js";
import { shapeFrom } from "../chaos/shape.js";
import { replay } from "../replay/conductor.js";
import { generateTraffic } from "../replay/generate.js";

// Traffic of the shape of a busy channel, through three nodes on real services.

it.each(["redis-cassandra"] as const)(
  "every member on %s reads all that was said, in order and once, though devices come back to another gateway each time",
  async (name) => {
    const serverFile = await bundle(new URL("../chaos/server.ts", import.meta.url));
    const clientsFile = await bundle(new URL("../replay/clients.ts", import.meta.url));
    const traffic = generateTraffic(4, { users: 30, lines: 200 });
    const options = { serverFile, clientsFile, shape: shapeFrom(name), faults: false, seed: 4 };
    const replayed = await replay("channel", traffic, options);
    const users = new Set(traffic.map(({ user }) => user)).size;
    const said = traffic.filter((line) => line.do === "say").length;
    expect(replayed).toEqual({ users, groups: 1, said, checked: users * said, faults: 0 });
  },
);
