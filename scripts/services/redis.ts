import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ask } from "./ask.js";
import { eventually } from "./eventually.js";
import { port } from "./place.js";
import type { Server, Service } from "./service.js";

const HOST = "127.0.0.1";
const SLOTS = 16_384;

interface Node {
  readonly name: string;
  readonly port: number;
  /** Where the nodes of a cluster talk to each other. */
  readonly bus?: number;
}

function server(node: Node): Server {
  const { name } = node;
  return {
    name,
    host: HOST,
    port: node.port,
    readyWithinMs: 20_000,
    async probe() {
      const answer = await command(node, "PING");
      if (!answer.startsWith("+PONG")) throw new Error(`${name} answers ${answer.trim()}`);
    },
    async prepare(directory) {
      if (spawnSync("redis-server", ["--version"]).error !== undefined) {
        throw new Error(
          "There is no redis-server. Install it (Debian: apt-get install redis-server) or a container engine.",
        );
      }
      const data = join(directory, "data");
      mkdirSync(data, { recursive: true });
      const cluster = [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        String(node.bus),
        "--cluster-node-timeout",
        "2000",
      ];
      return {
        program: "redis-server",
        args: [
          ...["--bind", HOST, "--port", String(node.port), "--dir", data, "--save", ""],
          ...["--appendonly", "yes", "--appendfsync", "everysec"],
          ...(node.bus === undefined ? [] : cluster),
        ],
      };
    },
  };
}

/** One command of plain words, and the first bytes of its answer. */
async function command(at: { readonly port: number }, line: string): Promise<string> {
  const answer = await ask({ host: HOST, port: at.port }, `${line}\r\n`, (bytes) => bytes.includes("\r\n"));
  return answer.toString();
}

async function must(at: { readonly port: number }, line: string): Promise<void> {
  const answer = await command(at, line);
  if (!answer.startsWith("+OK")) throw new Error(`Redis on port ${at.port} answers ${line} with ${answer.trim()}`);
}

const NODES = [0, 1, 2].map((index) => ({
  name: `redis-cluster-${index + 1}`,
  port: port(1 + index),
  bus: port(4 + index),
}));

async function isWhole(node: Node): Promise<boolean> {
  const info = await command(node, "CLUSTER INFO");
  return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${NODES.length}`);
}

/** Makes one cluster of the three: a third of the slots each, and everybody met the first. */
async function formCluster(): Promise<void> {
  const [first] = NODES as [Node];
  const share = Math.ceil(SLOTS / NODES.length);
  for (const [index, node] of NODES.entries()) {
    if (!(await command(node, "CLUSTER INFO")).includes("cluster_slots_assigned:0")) continue;
    await must(node, `CLUSTER SET-CONFIG-EPOCH ${index + 1}`);
    const last = Math.min(SLOTS, (index + 1) * share) - 1;
    await must(node, `CLUSTER ADDSLOTSRANGE ${index * share} ${last}`);
  }
  for (const node of NODES) {
    if (node !== first) await must(node, `CLUSTER MEET ${HOST} ${first.port} ${first.bus}`);
  }
  await eventually("the Redis cluster", async () => (await Promise.all(NODES.map(isWhole))).every(Boolean), 30_000);
}

export const redis: Service = { name: "redis", servers: [server({ name: "redis", port: port(0) })] };

export const redisCluster: Service = {
  name: "redis-cluster",
  servers: NODES.map(server),
  async form() {
    if ((await Promise.all(NODES.map(isWhole))).every(Boolean)) return;
    await formCluster();
  },
};
