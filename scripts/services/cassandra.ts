import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "./ask.js";
import { jvmOptions } from "./cassandra-jvm.js";
import { jarsOf } from "./jars.js";
import { port } from "./place.js";
import type { Server, Service } from "./service.js";

const ARTIFACT = { group: "org.apache.cassandra", name: "cassandra-all", version: "5.0.6" };

/** An OPTIONS frame of version 4 of the native protocol. */
const OPTIONS = Uint8Array.of(4, 0, 0, 0, 5, 0, 0, 0, 0);
const SUPPORTED = 6;

interface Node {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly storagePort: number;
  readonly heapMb: number;
  /**
   * `batch` syncs before it answers, so that a lone node that is killed has all that it acknowledged; of several,
   * whose writes are on two of them, the second has it.
   */
  readonly sync: "batch" | "periodic";
}

function server(node: Node): Server {
  return {
    name: node.name,
    host: node.host,
    port: node.port,
    readyWithinMs: 120_000,
    async probe() {
      const answer = await ask(node, OPTIONS, (bytes) => bytes.length >= 9);
      if (answer[4] !== SUPPORTED) throw new Error(`${node.name} answers with opcode ${answer[4]}.`);
    },
    async prepare(directory) {
      const jars = await jarsOf(ARTIFACT);
      const conf = join(directory, "conf");
      const data = join(directory, "data");
      for (const path of [conf, data]) mkdirSync(path, { recursive: true });
      writeFileSync(join(conf, "cassandra.yaml"), configuration(node, data));
      writeFileSync(join(conf, "logback.xml"), LOGGING);
      return {
        program: "java",
        args: [
          ...jvmOptions(node.heapMb),
          `-javaagent:${join(jars, "jamm-0.4.0.jar")}`,
          `-Dcassandra.config=file://${join(conf, "cassandra.yaml")}`,
          `-Dlogback.configurationFile=${join(conf, "logback.xml")}`,
          `-Dcassandra.storagedir=${data}`,
          "-Dcassandra.skip_wait_for_gossip_to_settle=0",
          "-Dcassandra.ring_delay_ms=2000",
          "-Dcassandra-foreground=yes",
          ...["-cp", `${conf}:${join(jars, "*")}`],
          "org.apache.cassandra.service.CassandraDaemon",
        ],
      };
    },
  };
}

function configuration({ name, host, port, storagePort, sync }: Node, data: string): string {
  return `
cluster_name: ${name.replace(/-\d$/, "")}
num_tokens: 16
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: [${join(data, "data")}]
commitlog_directory: ${join(data, "commitlog")}
cdc_raw_directory: ${join(data, "cdc_raw")}
hints_directory: ${join(data, "hints")}
saved_caches_directory: ${join(data, "saved_caches")}
commitlog_sync: ${sync}
${sync === "periodic" ? "commitlog_sync_period: 1000ms" : ""}
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{ seeds: "127.0.0.1:${storagePort}" }]
listen_address: ${host}
storage_port: ${storagePort}
rpc_address: ${host}
native_transport_port: ${port}
endpoint_snitch: SimpleSnitch
auto_snapshot: false
`;
}

const LOGGING = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`;

export const cassandra: Service = {
  name: "cassandra",
  servers: [
    server({
      name: "cassandra",
      host: "127.0.0.1",
      port: port(9),
      storagePort: port(10),
      heapMb: 1_024,
      sync: "batch",
    }),
  ],
};

export const cassandra3: Service = {
  name: "cassandra-3",
  servers: [1, 2, 3].map((index) =>
    server({
      name: `cassandra-3-${index}`,
      host: `127.0.0.${index}`,
      port: port(11),
      storagePort: port(12),
      heapMb: 640,
      sync: "periodic",
    }),
  ),
};
