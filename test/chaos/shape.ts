import type { ServiceName } from "../../scripts/services/services.js";
import type { Role } from "../../src/config.js";
import { CLUSTER_MIX, FORGETFUL_MIX, MIX, type Mix } from "./scenario.js";

const SHAPE_NAMES = ["lmdb", "redis-cassandra", "redis-cassandra-3", "kafka-cassandra"] as const;

export type ShapeName = (typeof SHAPE_NAMES)[number];

/** What a deployment that the runners set up is made of. */
export interface Shape {
  readonly name: ShapeName;
  /** Server processes, each with all roles. */
  readonly nodes: number;
  /** What each does where they are split: some have one role, and each role is at two. Gateways come first. */
  readonly split?: readonly (readonly Role[])[];
  /** The services that it needs beside. */
  readonly services: readonly ServiceName[];
  /** The servers of these that are killed and started again. */
  readonly harmed: readonly string[];
  /** What happens in a run. */
  readonly mix: Mix;
  /** Seeds that are played at a time by default. */
  readonly jobs: number;
  /** How long everything may take to come to rest once all is healed, in milliseconds. */
  readonly patience: number;
}

const SPLIT: readonly (readonly Role[])[] = [
  ["gateway", "messages", "delivery"],
  ["gateway"],
  ["messages"],
  ["delivery"],
];

const CLUSTER = { nodes: 3, split: SPLIT, mix: CLUSTER_MIX, jobs: 1, patience: 60_000 };

const SHAPES: Record<ShapeName, Omit<Shape, "name">> = {
  lmdb: { nodes: 1, services: [], harmed: [], mix: MIX, jobs: 2, patience: 15_000 },
  "redis-cassandra": { ...CLUSTER, mix: FORGETFUL_MIX, services: ["redis", "cassandra"], harmed: ["redis"] },
  "redis-cassandra-3": {
    ...CLUSTER,
    mix: FORGETFUL_MIX,
    services: ["redis", "cassandra-3"],
    harmed: ["redis", "cassandra-3-1", "cassandra-3-2", "cassandra-3-3"],
  },
  "kafka-cassandra": { ...CLUSTER, services: ["redis", "cassandra", "kafka"], harmed: ["redis", "kafka"] },
};

/** The shape of this name; throws where there is none. */
export function shapeFrom(name: string): Shape {
  const known = SHAPE_NAMES.find((one) => one === name);
  if (known === undefined) throw new Error(`there is no shape ${name}; there are: ${SHAPE_NAMES.join(", ")}`);
  return { name: known, ...SHAPES[known] };
}
