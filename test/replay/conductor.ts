import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endpoints } from "../../scripts/services/services.js";
import type { Happening } from "../chaos/history.js";
import { forget } from "../chaos/parts.js";
import type { PlantedBug } from "../chaos/planted.js";
import { Random } from "../chaos/random.js";
import { ServerControl } from "../chaos/server-control.js";
import { type Shape, shapeFrom } from "../chaos/shape.js";
import { ClientProcess } from "./client-process.js";
import { type Group, splitIntoGroups, transcriptOf } from "./groups.js";
import type { Line } from "./traffic.js";

/** Members of a group at most. */
const MEMBERS = 99;
/** Processes of clients. */
const PROCESSES = 3;
/** Steps between two faults on a connection. */
const FAULT_EVERY = 25;
/** A transcript may stay as it is for twice as long as a deployment takes to come to rest. */
const PATIENCE = 2;
/** Seconds of silence after which either side counts as gone, with faults and without. */
const IDLE = { faults: 2, none: 30 };

export interface ReplayOptions {
  /** Bundles of the server's and the clients' entries. */
  readonly serverFile: string;
  readonly clientsFile: string;
  /** Default LMDB. */
  readonly shape?: Shape;
  /** Whether connections are cut and frozen, and a server is killed, twice. */
  readonly faults: boolean;
  readonly seed: number;
  /** How long a transcript may stay as it is before it counts as stuck, in milliseconds. */
  readonly patience?: number;
  /** A bug for the server, to see that it is found. */
  readonly planted?: PlantedBug;
}

/** What was replayed and compared. */
export interface Replayed {
  readonly users: number;
  readonly groups: number;
  /** Lines that were said. */
  readonly said: number;
  /** Lines of transcripts that were compared with what was said. */
  readonly checked: number;
  readonly faults: number;
}

/**
 * Replays traffic through a server process and processes of clients. Rejects with the first thing that must not be:
 * a transcript that differs, a line told twice or out of order, a refusal, a server that ends by itself.
 */
export async function replay(name: string, lines: readonly Line[], options: ReplayOptions): Promise<Replayed> {
  const directory = mkdtempSync(join(tmpdir(), "sentseen-replay-"));
  let violated: (error: Error) => void = () => {};
  const violation = new Promise<never>((_, reject) => {
    violated = reject;
  });
  // What is found while nobody waits is found when somebody does.
  violation.catch(() => {});
  const conductor = new Conductor(splitIntoGroups(name, lines, MEMBERS), options, directory, violated);
  try {
    return await Promise.race([conductor.run(), violation]);
  } finally {
    await conductor.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

class Conductor {
  private readonly processes: ClientProcess[];
  private readonly processOf = new Map<string, ClientProcess>();
  private readonly random: Random;
  private readonly steps: number;
  private readonly shape: Shape;
  private readonly servers: readonly ServerControl[];
  private readonly ports: (number | null)[] = [];
  private done = 0;
  private faults = 0;

  constructor(
    private readonly groups: readonly Group[],
    private readonly options: ReplayOptions,
    private readonly directory: string,
    private readonly violated: (error: Error) => void,
  ) {
    const { clientsFile, faults, planted, seed, serverFile, shape = shapeFrom("lmdb") } = options;
    this.shape = shape;
    this.random = new Random(seed);
    this.processes = Array.from({ length: PROCESSES }, () => new ClientProcess(clientsFile, faults, violated));
    groups
      .flatMap(({ members }) => members)
      .forEach((user, i) => {
        this.processOf.set(user, this.processes[i % PROCESSES] as ClientProcess);
      });
    this.steps = groups.reduce((sum, group) => sum + group.steps.length, 0);
    const idle = faults ? IDLE.faults : IDLE.none;
    const setup = { shape: shape.name, directory, endpoints, idle, ...(planted && { planted }) };
    const told = {
      add(happening: Happening) {
        if (happening.type === "failure") violated(new Error(happening.text));
      },
    };
    this.servers = Array.from(
      { length: shape.nodes },
      (_, node) => new ServerControl(serverFile, setup, told, (port) => this.moveTo(node, port)),
    );
  }

  private moveTo(node: number, port: number | null): void {
    this.ports[node] = port;
    const ports = [...this.ports];
    for (const one of this.processes) one.give({ do: "gateways", ports }).catch(this.violated);
  }

  async run(): Promise<Replayed> {
    for (const server of this.servers) await server.start();
    const conversations = await Promise.all(this.groups.map((group) => this.play(group)));
    await Promise.all(this.servers.map((server) => server.settled()));
    await Promise.all(this.processes.map((one) => one.give({ do: "heal" })));
    let checked = 0;
    for (const [i, group] of this.groups.entries()) checked += await this.compare(group, conversations[i] as string);
    await Promise.all(this.processes.map((one) => one.give({ do: "end" })));
    const said = this.groups.reduce((sum, group) => sum + transcriptOf(group).length, 0);
    return { users: this.processOf.size, groups: this.groups.length, said, checked, faults: this.faults };
  }

  private of(user: string): ClientProcess {
    return this.processOf.get(user) as ClientProcess;
  }

  /** Plays one group's steps in order; answers its conversation. */
  private async play({ name, members, steps }: Group): Promise<string> {
    const [owner, ...others] = members as [string, ...string[]];
    await this.of(owner).give({ do: "online", user: owner });
    const done = await this.of(owner).give({ do: "create", user: owner, name, users: others });
    const conversation = done !== null && "conversation" in done ? done.conversation : "";
    await this.of(owner).give({ do: "offline", user: owner });

    // One speaker's lines follow each other by themselves; the next speaker waits until they are acknowledged.
    let said: Promise<unknown>[] = [];
    let speaker: string | null = null;
    for (const step of steps) {
      if (step.do !== "online" && step.user !== speaker && (step.do === "say" || said.length > 0)) {
        await Promise.all(said);
        said = [];
      }
      if (step.do === "offline" && step.user === speaker) await Promise.all(said);
      if (step.do === "say") {
        speaker = step.user;
        said.push(this.of(step.user).give({ ...step, conversation }));
      } else await this.of(step.user).give(step);
      this.afterStep();
    }
    await Promise.all(said);
    return conversation;
  }

  /** Does some harm now and then. */
  private afterStep(): void {
    this.done++;
    if (!this.options.faults) return;
    const third = Math.floor(this.steps / 3);
    if (this.done === third || this.done === 2 * third) {
      this.faults++;
      this.random.pick(this.servers).restart("kill", this.random.between(0, 300));
    } else if (this.done % FAULT_EVERY === 0) {
      this.faults++;
      const order = { do: this.random.pick(["cut", "cut", "freeze"] as const), choice: this.random.next() };
      this.random.pick(this.processes).give(order).catch(this.violated);
    }
  }

  /** Everybody comes online in the end and has every line. Answers how many lines were compared. */
  private async compare(group: Group, conversation: string): Promise<number> {
    const transcript = transcriptOf(group);
    const { patience = PATIENCE * this.shape.patience } = this.options;
    const counts = await Promise.all(
      this.processes.map(async (one) => {
        const users = group.members.filter((user) => this.of(user) === one);
        await Promise.all(users.map((user) => one.give({ do: "online", user })));
        const done = await one.give({ do: "compare", conversation, users, transcript, patience });
        return done !== null && "lines" in done ? done.lines : 0;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async close(): Promise<void> {
    for (const one of this.processes) one.kill();
    await Promise.all(
      this.servers.map((server) =>
        server
          .settled()
          .catch(() => {})
          .then(() => server.stop("kill")),
      ),
    );
    await forget(this.shape.name, this.directory, endpoints);
  }
}
