import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endpoints, killServer, startServer } from "../../scripts/services/services.js";
import type { Role } from "../../src/config.js";
import { allTold, atRest } from "./checker.js";
import { holds, pause } from "./deadline.js";
import { Device, type Recipient } from "./device.js";
import { type Happening, History } from "./history.js";
import { forget, wipe } from "./parts.js";
import type { PlantedBug } from "./planted.js";
import { Random } from "./random.js";
import type { Scenario, Step, Target } from "./scenario.js";
import { ServerControl } from "./server-control.js";
import { type Shape, shapeFrom } from "./shape.js";

export interface PlayOptions {
  /** The server's bundle. */
  readonly file: string;
  /** Default LMDB. */
  readonly shape?: Shape;
  readonly planted?: PlantedBug;
  /** How long everything may take to come to rest once all is healed, in milliseconds. Default as the shape says. */
  readonly patience?: number;
  /** Told what each device and each server says of itself in the end, line by line. */
  readonly inTheEnd?: (lines: readonly string[]) => void;
}

/** How long after everything has arrived something that must not come is waited for, in milliseconds. */
const GRACE = 60;
/** Between two looks at all stores, in milliseconds. */
const LOOK_AGAIN = 100;
/** Seconds of silence after which either side counts as gone: as few as go, for half-open sockets to be noticed. */
const IDLE = 2;
/** Where the clocks of nodes are apart, how far each is ahead, in milliseconds. */
const CLOCKS = [0, 15_000, -15_000];

/** Plays a scenario against a server process with real sockets; answers all that was seen, to be checked. */
export async function play(scenario: Scenario, options: PlayOptions): Promise<readonly Happening[]> {
  const directory = mkdtempSync(join(tmpdir(), "sentseen-chaos-"));
  const run = new Run(scenario, options, directory);
  try {
    await run.begin();
    for (const step of scenario.steps) await run.perform(step);
    await run.end();
    options.inTheEnd?.(await run.state());
    return run.history.happenings;
  } finally {
    await run.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

class Run {
  readonly history = new History();
  private readonly devices: Device[] = [];
  private readonly groups: string[] = [];
  private readonly servers: readonly ServerControl[];
  private readonly ports: (number | null)[] = [];
  private readonly shape: Shape;
  private readonly patience: number;
  /** One thing is done to the servers under the nodes at a time. */
  private outages: Promise<void> = Promise.resolve();

  constructor(
    private readonly scenario: Scenario,
    options: PlayOptions,
    private readonly directory: string,
  ) {
    const { file, planted, shape = shapeFrom("lmdb") } = options;
    const setup = {
      shape: shape.name,
      directory,
      endpoints,
      flush: scenario.flush,
      idle: IDLE,
      ...(planted && { planted }),
    };
    this.shape = shape;
    this.patience = options.patience ?? shape.patience;
    const split = scenario.split ? shape.split : undefined;
    this.servers = Array.from({ length: split?.length ?? shape.nodes }, (_, node) => {
      const ahead = scenario.skewed ? (CLOCKS[node] ?? 0) : 0;
      const own = { ...setup, ahead, ...(split && { roles: split[node] as readonly Role[] }) };
      return new ServerControl(file, own, this.history, (port) => this.moveTo(node, port));
    });
  }

  private moveTo(node: number, port: number | null): void {
    this.ports[node] = port;
    for (const { network } of this.devices) network.targets = [...this.ports];
  }

  /** Everybody is online, and the groups are made. */
  async begin(): Promise<void> {
    const { devices, groups, seed } = this.scenario;
    const random = new Random(seed ^ 0x5eed);
    for (const server of this.servers) await server.start();
    const names = devices.map(
      (user, i) => `${user}/${devices.slice(0, i).filter((other) => other === user).length + 1}`,
    );
    for (const [i, user] of devices.entries()) {
      this.devices.push(await Device.enroll(names[i] as string, user, [...this.ports], this.history, random.fork()));
    }
    for (const [i, { device, users }] of groups.entries()) {
      this.groups.push(await this.device(device).createGroup(`group ${i + 1}`, users));
    }
  }

  private node(number: number): ServerControl {
    return this.servers[number % this.servers.length] as ServerControl;
  }

  private device(index: number): Device {
    return this.devices[index] as Device;
  }

  private fault(text: string): void {
    this.history.add({ type: "fault", text });
  }

  async perform(step: Step): Promise<void> {
    switch (step.do) {
      case "wait":
        return pause(step.milliseconds);
      case "kill":
      case "drain":
        return this.node(step.node).restart(step.do, step.away);
      case "pause":
        return this.node(step.node).pause(step.milliseconds);
      case "wipe":
        return this.wipe();
      case "outage":
        return this.outage(step.server, step.away);
    }
    const device = this.device(step.device);
    switch (step.do) {
      case "send":
        for (const size of step.sizes) device.send(this.recipient(step.to), size);
        break;
      case "read":
        device.markRead();
        break;
      case "group":
        device.changeGroup(this.groups[step.group] as string, step.change);
        break;
      case "restart":
        this.fault(`${device.name} ${step.crash ? "crashes" : "closes"} for ${step.away} ms`);
        device.restart(step.crash, step.away);
        break;
      case "slow":
        this.fault(`${device.name} is slow for ${step.milliseconds} ms`);
        device.network.slow(step.milliseconds);
        break;
      default:
        this.fault(`${step.do} the connection of ${device.name}`);
        device.network[step.do]();
    }
  }

  private wipe(): void {
    this.underneath({ type: "wiped" }, () => wipe(endpoints));
  }

  private outage(number: number, away: number): void {
    const { harmed } = this.shape;
    const server = harmed[number % harmed.length];
    if (server === undefined) return;
    this.underneath({ type: "fault", text: `${server} killed for ${away} ms` }, async () => {
      await killServer(server);
      await pause(away);
      await startServer(server);
    });
  }

  /** Something is done to the servers under the nodes, after what is being done to them. Doesn't wait for it. */
  private underneath(happening: Happening, harm: () => Promise<void>): void {
    this.outages = this.outages.then(() => {
      this.history.add(happening);
      return harm();
    });
    this.outages.catch((error: unknown) => this.history.add({ type: "failure", text: String(error) }));
  }

  private recipient(to: Target): Recipient {
    return "user" in to ? to : { conversation: this.groups[to.group] as string };
  }

  /** Heals everything, and waits until all that was asked for has been answered and has arrived. */
  async end(): Promise<void> {
    await this.rest();
    if (this.scenario.lastKill) {
      for (const server of this.servers) server.restart("kill", 0);
      await this.rest();
    }
    for (const device of this.devices) device.markRead();
    await Promise.all(this.devices.map((device) => device.idle()));
    await pause(GRACE);
    for (const happening of await this.kept()) this.history.add(happening);
  }

  /** What all stores hold, as soon as every sender has been told what was read. */
  private async kept(): Promise<Happening[]> {
    const until = performance.now() + this.patience;
    for (;;) {
      const kept = (await Promise.all(this.devices.map((device) => device.kept()))).flat();
      if (allTold([...this.history.happenings, ...kept]) || performance.now() > until) return kept;
      await pause(LOOK_AGAIN);
    }
  }

  async state(): Promise<string[]> {
    const devices = await Promise.all(this.devices.map((device) => device.state()));
    const servers = await Promise.all(this.servers.map((server) => server.state()));
    return [...devices.flat(), ...servers.map((state) => `server: ${state}`)];
  }

  private async rest(): Promise<void> {
    await this.outages;
    await Promise.all(this.servers.map((server) => server.settled()));
    for (const { network } of this.devices) network.heal();
    await Promise.all(this.devices.map((device) => device.idle()));
    const { happenings } = this.history;
    let looked = -1;
    let resting = false;
    const rested = await holds(() => {
      if (looked !== happenings.length) resting = atRest(happenings);
      looked = happenings.length;
      return (
        (resting && this.devices.every(({ online }) => online)) || happenings.some(({ type }) => type === "failure")
      );
    }, this.patience);
    if (rested) return;
    for (const { name, online } of this.devices) {
      if (!online) this.history.add({ type: "failure", text: `${name} doesn't come back online` });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.close()));
    await Promise.all(this.servers.map((server) => server.stop("kill")));
    await this.outages.catch(() => {});
    await forget(this.shape.name, this.directory, endpoints);
  }
}
