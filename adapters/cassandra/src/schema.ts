import { createHash } from "node:crypto";
import { types } from "cassandra-driver";
import { ChatError } from "sentseen/ports";
import type { CassandraClient, RequestOptions, ResultPage, Statement } from "./client.js";
import { statementText, statementTexts } from "./statements.js";

/** The files of the versions, in their order. A new version is a new file; those that were released never change. */
const VERSIONS = ["schema-1"];

/** Milliseconds that one change of the schema may take, and as many the agreement of all nodes on it. */
const CHANGE_MS = 30_000;
const LOOK_AGAIN_MS = 100;

/** Whose table ids these are. */
const ID_NAMESPACE = "sentseen";

export interface SchemaOptions {
  readonly client: CassandraClient;
  readonly keyspace: string;
  /** Replicas by data centre, for a keyspace that is yet to be made; null where it has to be there. */
  readonly replication: Readonly<Record<string, number>> | null;
}

/**
 * Brings the keyspace to the version that this program knows. Any number of nodes may do so at the same time: every
 * step makes only what isn't there, tables are made under ids that follow from their names (two nodes that make the
 * same one under ids of chance may split the cluster's schema), and a version is noted when all nodes agree on it.
 *
 * Where the version is there already, nothing is changed, so that the rights to change a schema aren't needed. Throws
 * `incompatible` where it is newer than known, and `config` where the keyspace is missing and may not be made.
 */
export async function migrate(options: SchemaOptions): Promise<void> {
  const schema = new Schema(options);
  const version = await schema.version();
  if (version > VERSIONS.length) {
    const text = `The keyspace ${options.keyspace} has the schema's version ${version}; ${VERSIONS.length} is known.`;
    throw new ChatError("incompatible", text, { field: "keyspace", limit: VERSIONS.length });
  }
  for (let next = version + 1; next <= VERSIONS.length; next++) await schema.apply(next);
}

class Schema {
  readonly #client: CassandraClient;
  readonly #keyspace: string;
  readonly #replication: SchemaOptions["replication"];

  constructor({ client, keyspace, replication }: SchemaOptions) {
    this.#client = client;
    this.#keyspace = keyspace;
    this.#replication = replication;
  }

  /** The version that the keyspace has; 0 for one that is yet to be filled. */
  async version(): Promise<number> {
    const there = await this.#read("find-versions", this.#keyspace);
    if (there.rows.length === 0) return 0;
    const { rows } = await this.#read("read-version");
    return rows[0]?.version ?? 0;
  }

  async apply(version: number): Promise<void> {
    const names = await this.#names();
    await this.#makeKeyspace();
    await this.#change(statementText("create-versions", names));
    for (const text of statementTexts(VERSIONS[version - 1] as string, names)) await this.#change(text);
    const note = statementText("put-version", names);
    await this.#execute({ query: note, params: [version] }, types.consistencies.localQuorum);
  }

  async #makeKeyspace(): Promise<void> {
    const there = await this.#read("find-keyspace", this.#keyspace);
    if (there.rows.length > 0) return;
    if (this.#replication === null) {
      const text = `The keyspace ${this.#keyspace} is not there, and nothing says how often to keep rows.`;
      throw new ChatError("config", text, { field: "replication" });
    }
    const replication = replicationText(this.#replication);
    await this.#change(statementText("create-keyspace", { keyspace: this.#keyspace, replication }));
  }

  /** What stands for the names in braces. */
  async #names(): Promise<Record<string, string>> {
    const { rows } = await this.#read("find-release");
    const names = { keyspace: this.#keyspace, ...compactions(String(rows[0]?.release_version)) };
    const tables = VERSIONS.flatMap((file) => statementTexts(file, {}))
      .map((text) => /CREATE TABLE IF NOT EXISTS \{keyspace\}\.([a-z_]+)/.exec(text)?.[1])
      .filter((table) => table !== undefined);
    const ids = [...tables, "schema_versions"].map((table) => [`id:${table}`, tableId(this.#keyspace, table)]);
    return { ...names, ...Object.fromEntries(ids) };
  }

  /** Resolves when all nodes that are up have the change, be it of this process or of another. */
  async #change(query: string): Promise<void> {
    await this.#execute({ query, params: [] }, types.consistencies.quorum);
    const metadata = this.#client.metadata as { checkSchemaAgreement(): Promise<boolean> };
    const deadline = performance.now() + CHANGE_MS;
    while (!(await metadata.checkSchemaAgreement())) {
      if (performance.now() > deadline) {
        const text = `The nodes of the cluster did not agree on the schema within ${CHANGE_MS} ms.`;
        throw new ChatError("store_unavailable", text, { limit: CHANGE_MS });
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  #read(file: string, ...params: unknown[]): Promise<ResultPage> {
    const query = statementText(file, { keyspace: this.#keyspace });
    return this.#execute({ query, params }, types.consistencies.localQuorum);
  }

  #execute({ query, params }: Statement, consistency: number): Promise<ResultPage> {
    const options: RequestOptions = {
      prepare: params.length > 0,
      consistency,
      isIdempotent: true,
      readTimeout: CHANGE_MS,
    };
    return this.#client.execute(query, [...params], options);
  }
}

/** The same id for the same table on every node. */
function tableId(keyspace: string, table: string): string {
  const hex = createHash("sha256").update(`${ID_NAMESPACE}/${keyspace}/${table}`).digest("hex");
  const variant = "89ab"[Number.parseInt(hex.charAt(16), 16) & 3];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

function replicationText(replicas: Readonly<Record<string, number>>): string {
  const centres = Object.entries(replicas).map(([name, count]) => `'${name.replaceAll("'", "''")}': ${count}`);
  return `{'class': 'NetworkTopologyStrategy', ${centres.join(", ")}}`;
}

/**
 * How tables are compacted. Cassandra has UnifiedCompaction from 5 on; ScyllaDB, which calls itself Cassandra 3, and
 * older ones have it not. Only mailboxes are written with real times, so only they can be compacted by days.
 */
function compactions(release: string): Record<string, string> {
  const unified = Number.parseInt(release, 10) >= 5;
  const strategy = (name: string, more = "") => `{'class': '${name}'${more}}`;
  const days = ", 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1";
  return {
    "compaction:days": strategy("TimeWindowCompactionStrategy", days),
    "compaction:states": unified
      ? strategy("UnifiedCompactionStrategy", ", 'scaling_parameters': 'L10'")
      : strategy("LeveledCompactionStrategy"),
    "compaction:rows": unified
      ? strategy("UnifiedCompactionStrategy", ", 'scaling_parameters': 'T4'")
      : strategy("SizeTieredCompactionStrategy"),
  };
}
