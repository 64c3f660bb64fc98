import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { endpoints } from "../../../scripts/services/services.js";
import { bundle } from "../../chaos/bundle.js";
import { forget } from "../../chaos/parts.js";
import { FaultyProxy } from "../../chaos/proxy.js";
import { ServerControl } from "../../chaos/server-control.js";
import type { ServerSetup } from "../../chaos/server-process.js";
import { type ShapeName, shapeFrom } from "../../chaos/shape.js";

let serverFile: Promise<string> | undefined;

/** Nodes in processes of their own on real services, and the ways to them. */
export class Deployment {
  readonly nodes: readonly ServerControl[];
  /** What nodes did that nobody asked for. */
  readonly failures: string[] = [];
  /** Where each node takes connections; null while it is down. */
  readonly ports: (number | null)[];
  private readonly networks: { readonly proxy: FaultyProxy; readonly first: number }[] = [];

  constructor(file: string, shape: ShapeName, setup: Omit<ServerSetup, "shape" | "endpoints">) {
    const history = {
      add: (happening: { readonly type: string; readonly text?: string }) => {
        if (happening.type === "failure") this.failures.push(happening.text ?? "");
      },
    };
    const { nodes } = shapeFrom(shape);
    this.ports = Array.from({ length: nodes }, () => null);
    this.nodes = this.ports.map(
      (_, node) =>
        new ServerControl(file, { ...setup, shape, endpoints }, history, (port) => {
          this.ports[node] = port;
          for (const { proxy, first } of this.networks) proxy.targets = this.portsFrom(first);
        }),
    );
  }

  private portsFrom(first: number): (number | null)[] {
    return this.ports.map((_, i) => this.ports[(i + first) % this.ports.length] ?? null);
  }

  /** A way in for one client: its first connection goes to this node, each further one to the next. */
  async network(first: number): Promise<FaultyProxy> {
    const proxy = await FaultyProxy.open(...this.portsFrom(first));
    this.networks.push({ proxy, first });
    return proxy;
  }

  async close(): Promise<void> {
    await Promise.all(this.networks.map(({ proxy }) => proxy.close()));
    await Promise.all(this.nodes.map((node) => node.settled().catch(() => {})));
    await Promise.all(this.nodes.map((node) => node.stop("kill")));
  }
}

/** Starts the nodes of a shape, whose services are up; they and their data go when the test has finished. */
export async function deploy(shape: ShapeName, setup: Omit<ServerSetup, "shape" | "endpoints" | "directory">) {
  serverFile ??= bundle(new URL("../../chaos/server.ts", import.meta.url));
  const directory = mkdtempSync(join(tmpdir(), "sentseen-cluster-"));
  const deployment = new Deployment(await serverFile, shape, { ...setup, directory });
  onTestFinished(async () => {
    await deployment.close();
    await forget(shape, directory, endpoints);
    rmSync(directory, { recursive: true, force: true });
  });
  for (const node of deployment.nodes) await node.start();
  return deployment;
}
