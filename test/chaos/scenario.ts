import { Random } from "./random.js";

// Everything that is decided about a run, before it runs. Nothing here looks at a clock or at what happened: the same
// seed makes the same scenario. What a step meets (a server that is down, a user who is no member any more) is
// answered by the system and judged by the checker.

/** A device is named by its place in `devices`, a group by its place in `groups`. */
export type Step =
  /** Messages one after another, to another user or to a group. */
  | { readonly do: "send"; readonly device: number; readonly to: Target; readonly sizes: readonly number[] }
  | { readonly do: "read"; readonly device: number }
  /** The device's connection is reset. */
  | { readonly do: "cut"; readonly device: number }
  /** The device's connection goes dead and neither end is told. */
  | { readonly do: "freeze"; readonly device: number }
  /** What the device sends still arrives; no answer does. */
  | { readonly do: "deafen"; readonly device: number }
  /** The device's connection is reset, and the server isn't told. */
  | { readonly do: "abandon"; readonly device: number }
  /** The device doesn't take what the server sends. */
  | { readonly do: "slow"; readonly device: number; readonly milliseconds: number }
  /** The application ends and comes back with its store; `crash` gives it no chance to say so. */
  | { readonly do: "restart"; readonly device: number; readonly crash: boolean; readonly away: number }
  | { readonly do: "group"; readonly device: number; readonly group: number; readonly change: Change }
  /** SIGKILL, and a new process on the same data. A node is named by any number, modulo how many there are. */
  | { readonly do: "kill"; readonly node: number; readonly away: number }
  /** SIGTERM: the server drains and a new process takes over. */
  | { readonly do: "drain"; readonly node: number; readonly away: number }
  /** SIGSTOP, and SIGCONT when others may have taken over what the node owned. */
  | { readonly do: "pause"; readonly node: number; readonly milliseconds: number }
  /** Everything that the registry and a queue that may forget have is gone. */
  | { readonly do: "wipe" }
  /** SIGKILL to one of the servers that the nodes run on, which comes back with what it had on disk. */
  | { readonly do: "outage"; readonly server: number; readonly away: number }
  | { readonly do: "wait"; readonly milliseconds: number };

export type Target = { readonly user: string } | { readonly group: number };

export type Change =
  | { readonly kind: "add" | "remove"; readonly users: readonly string[] }
  | { readonly kind: "leave" }
  | { readonly kind: "rename"; readonly name: string }
  | { readonly kind: "role"; readonly user: string; readonly role: "admin" | "member" | "owner" };

export interface Scenario {
  readonly seed: number;
  /** The user of each device. */
  readonly devices: readonly string[];
  readonly users: readonly string[];
  /** The groups made at the start: who makes them, and who else is in. */
  readonly groups: readonly { readonly device: number; readonly users: readonly string[] }[];
  readonly steps: readonly Step[];
  /** How often the server writes rows behind, in milliseconds. */
  readonly flush: number;
  /** Whether the clocks of nodes are half a minute apart. */
  readonly skewed: boolean;
  /** Whether some of several nodes have one role each. */
  readonly split: boolean;
  /** Whether the server is killed once more when everything has arrived, so that what it replays is seen too. */
  readonly lastKill: boolean;
}

/** How often each kind of step comes, and how many there are. */
export interface Mix {
  readonly steps: number;
  readonly weights: Readonly<Record<Step["do"], number>>;
}

export const MIX: Mix = {
  steps: 120,
  weights: {
    send: 50,
    read: 6,
    cut: 6,
    freeze: 2,
    deafen: 2,
    abandon: 2,
    slow: 2,
    restart: 5,
    group: 8,
    kill: 1.5,
    drain: 0.5,
    pause: 0,
    wipe: 0,
    outage: 0,
    wait: 18,
  },
};

/** Several nodes: partitions change hands within seconds, so a run has fewer faults and takes longer. */
export const CLUSTER_MIX: Mix = {
  steps: 120,
  weights: { ...MIX.weights, kill: 1, drain: 0.5, pause: 0.7, outage: 0.3, wait: 30 },
};

/** The same, over a queue that may forget. */
export const FORGETFUL_MIX: Mix = { ...CLUSTER_MIX, weights: { ...CLUSTER_MIX.weights, wipe: 0.5 } };

/** Makes the scenario of a seed. */
export function makeScenario(seed: number, mix: Mix = MIX): Scenario {
  const random = new Random(seed);
  const users = Array.from({ length: random.between(3, 6) }, (_, i) => `user-${i + 1}`);
  const devices = users.flatMap((user) => {
    const count = Number(random.weighted({ "1": 6, "2": 3, "3": 1 }));
    return Array.from({ length: count }, () => user);
  });
  const groups = Array.from({ length: random.between(1, 3) }, () => {
    const device = random.between(0, devices.length - 1);
    const others = users.filter((user) => user !== devices[device]);
    return { device, users: random.sample(others, random.between(1, others.length)) };
  });
  const world: World = { random, users, devices, groups: groups.length };
  const steps = Array.from({ length: mix.steps }, () => makeStep(world, random.weighted(mix.weights)));
  if (random.chance(0.1)) steps.splice(random.between(0, steps.length), 0, ...makeFlood(world));
  return {
    seed,
    devices,
    users,
    groups,
    steps,
    flush: random.pick([10, 50, 200, 1_000]),
    lastKill: random.chance(0.3),
    skewed: random.chance(0.3),
    split: random.chance(0.3),
  };
}

interface World {
  readonly random: Random;
  readonly users: readonly string[];
  readonly devices: readonly string[];
  readonly groups: number;
}

function makeStep(world: World, kind: Step["do"]): Step {
  const { random, devices } = world;
  const device = random.between(0, devices.length - 1);
  switch (kind) {
    case "send":
      return { do: "send", device, to: makeTarget(world, device), sizes: makeSizes(world) };
    case "read":
    case "cut":
    case "freeze":
    case "deafen":
    case "abandon":
      return { do: kind, device };
    case "slow":
      return { do: "slow", device, milliseconds: random.between(100, 600) };
    case "restart":
      return { do: "restart", device, crash: random.chance(0.6), away: random.between(0, 150) };
    case "group":
      return { do: "group", device, group: random.between(0, world.groups - 1), change: makeChange(world) };
    case "kill":
    case "drain": {
      const away = random.between(0, 60);
      return { do: kind, node: away, away };
    }
    case "pause":
      return { do: "pause", node: random.between(0, 2), milliseconds: random.between(500, 5_000) };
    case "wipe":
      return { do: "wipe" };
    case "outage":
      return { do: "outage", server: random.between(0, 11), away: random.between(0, 1_500) };
    case "wait":
      return { do: "wait", milliseconds: random.between(1, 25) };
  }
}

function makeTarget({ random, users, devices, groups }: World, device: number): Target {
  if (random.chance(0.5)) return { group: random.between(0, groups - 1) };
  // Now and then a note to oneself.
  const others = random.chance(0.03) ? users : users.filter((user) => user !== devices[device]);
  return { user: random.pick(others) };
}

function makeSizes({ random }: World): number[] {
  const count = random.chance(0.15) ? random.between(8, 40) : random.between(1, 5);
  return Array.from({ length: count }, () =>
    random.chance(0.05) ? random.between(500, 4_000) : random.between(0, 120),
  );
}

/** More for a slow reader than the buffers on the way take (some 4 MiB on loopback), so that the server's run full. */
function makeFlood({ random, devices }: World): Step[] {
  const reader = random.between(0, devices.length - 1);
  const writers = devices.flatMap((user, device) => (user === devices[reader] ? [] : [device]));
  const to = { user: devices[reader] as string };
  const sizes = Array.from({ length: 100 }, () => random.between(40_000, 65_536));
  return [
    { do: "slow", device: reader, milliseconds: random.between(1_000, 2_000) },
    { do: "send", device: random.pick(writers), to, sizes },
  ];
}

function makeChange({ random, users }: World): Change {
  const kind = random.weighted({ add: 5, remove: 3, leave: 1, rename: 3, role: 2 });
  if (kind === "leave") return { kind };
  if (kind === "rename") return { kind, name: `name ${random.between(1, 1_000)}` };
  if (kind === "role")
    return { kind, user: random.pick(users), role: random.pick(["admin", "admin", "member", "owner"]) };
  return { kind, users: random.sample(users, random.between(1, 2)) };
}
