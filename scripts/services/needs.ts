import { relative } from "node:path";
import { ROOT } from "./place.js";
import type { ServiceName } from "./services.js";

/** Which services the tests of a folder need. A test that needs more of them calls `ensureServices` itself. */
const NEEDS: Record<string, readonly ServiceName[]> = {
  "adapters/redis/": ["redis", "redis-cluster"],
  "adapters/cassandra/": ["cassandra"],
  "adapters/kafka/": ["kafka"],
  "test/cluster/": ["redis", "cassandra", "kafka"],
  "test/examples/": ["redis", "cassandra", "kafka"],
};

export function servicesFor(file: string): readonly ServiceName[] {
  const path = relative(ROOT, file);
  return Object.entries(NEEDS).flatMap(([folder, services]) => (path.startsWith(folder) ? services : []));
}
