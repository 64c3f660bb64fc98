import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allTold, atRest } from "./checker.js";
import { holds, pause } from "./deadline.js";
import { Device, type Recipient } from "./device.js";
import { type Happening, History } from "./history.js";
import type { PlantedBug } from "./planted.js";
import { Random } from "./random.js";
import type { Scenario, Step, Target } from "./scenario.js";
import { ServerControl } from "./server-control.js";

export interface PlayOptions {
  /** The server's bundle. */
  readonly file: string;
  readonly planted?: PlantedBug;
  /** How long everything may take to come to rest once all is healed, in milliseconds. */
  readonly patience?: number;
}

/** How long after everything has arrived something that must not come is waited for, in milliseconds. */
const GRACE = 60;
/** How long things may take, and between two looks at all stores, in milliseconds. */
const PATIENCE = 15_000;
const LOOK_AGAIN = 100;
/** Seconds of silence after which either side counts as gone: as few as go, for half-open sockets to be noticed. */
const IDLE = 2;

/** Plays a scenario against a server process with real sockets; answers all that was seen, to be checked. */
export async function play(scenario: Scenario, options: PlayOptions): Promise<readonly Happening[]> {
  const directory = mkdtempSync(join(tmpdir(), "sentseen-chaos-"));
  const run = new Run(scenario, options, directory);
  try {
    await run.begin();
    for (const step of scenario.steps) await run.perform(step);
    await run.end();
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
  private readonly server: ServerControl;
  private port = 0;

  constructor(
    private readonly scenario: Scenario,
    private readonly options: PlayOptions,
    directory: string,
  ) {
    const { file, planted } = options;
    const setup = { directory, flush: scenario.flush, idle: IDLE, ...(planted && { planted }) };
    this.server = new ServerControl(file, setup, this.history, (port) => this.moveTo(port));
  }

  private moveTo(port: number): void {
    this.port = port;
    for (const { network } of this.devices) network.target = port;
  }

  /** Everybody is online, and the groups are made. */
  async begin(): Promise<void> {
    const { devices, groups, seed } = this.scenario;
    const random = new Random(seed ^ 0x5eed);
    await this.server.start();
    const names = devices.map(
      (user, i) => `${user}/${devices.slice(0, i).filter((other) => other === user).length + 1}`,
    );
    for (const [i, user] of devices.entries()) {
      this.devices.push(await Device.enroll(names[i] as string, user, this.port, this.history, random.fork()));
    }
    for (const [i, { device, users }] of groups.entries()) {
      this.groups.push(await this.device(device).createGroup(`group ${i + 1}`, users));
    }
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
        return this.server.restart(step.do, step.away);
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

  private recipient(to: Target): Recipient {
    return "user" in to ? to : { conversation: this.groups[to.group] as string };
  }

  /** Heals everything, and waits until all that was asked for has been answered and has arrived. */
  async end(): Promise<void> {
    await this.rest();
    if (this.scenario.lastKill) {
      this.server.restart("kill", 0);
      await this.rest();
    }
    for (const device of this.devices) device.markRead();
    await Promise.all(this.devices.map((device) => device.idle()));
    await pause(GRACE);
    for (const happening of await this.kept()) this.history.add(happening);
  }

  /** What all stores hold, as soon as every sender has been told what was read. */
  private async kept(): Promise<Happening[]> {
    const until = performance.now() + (this.options.patience ?? PATIENCE);
    for (;;) {
      const kept = (await Promise.all(this.devices.map((device) => device.kept()))).flat();
      if (allTold([...this.history.happenings, ...kept]) || performance.now() > until) return kept;
      await pause(LOOK_AGAIN);
    }
  }

  private async rest(): Promise<void> {
    await this.server.settled();
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
    }, this.options.patience ?? PATIENCE);
    if (rested) return;
    for (const { name, online } of this.devices) {
      if (!online) this.history.add({ type: "failure", text: `${name} doesn't come back online` });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.close()));
    await this.server.stop("kill");
  }
}
