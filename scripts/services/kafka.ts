import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ask } from "./ask.js";
import { jarsOf } from "./jars.js";
import { port } from "./place.js";
import type { Server, Service } from "./service.js";

const ARTIFACT = { group: "org.apache.kafka", name: "kafka_2.13", version: "4.4.0" };
/** Without it Kafka writes no log. */
const LOGGER = { group: "org.slf4j", name: "slf4j-simple", version: "1.7.36" };
const HOST = "127.0.0.1";
const PORT = port(7);
const CONTROLLER_PORT = port(8);
const HEAP_MB = 512;

/** Metadata, version 1, of no topics: length, key, version, correlation id, no client id, an empty list. */
const METADATA = Uint8Array.of(0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0);
const BROKERS_AT = 8;

const broker: Server = {
  name: "kafka",
  host: HOST,
  port: PORT,
  readyWithinMs: 90_000,
  async probe() {
    const answer = await ask({ host: HOST, port: PORT }, METADATA, (bytes) => bytes.length >= BROKERS_AT + 4);
    // A broker that has just come up names none until the controller has let it in.
    if (answer.readInt32BE(BROKERS_AT) < 1) throw new Error("kafka isn't part of its cluster yet.");
  },
  async prepare(directory) {
    const jars = await jarsOf(ARTIFACT, LOGGER);
    const data = join(directory, "data");
    const properties = join(directory, "server.properties");
    mkdirSync(data, { recursive: true });
    writeFileSync(properties, configuration(data));
    const classPath = ["-cp", join(jars, "*")];
    if (!existsSync(join(data, "meta.properties"))) await format(classPath, properties);
    return {
      program: "java",
      args: [
        ...["-Xms256m", `-Xmx${HEAP_MB}m`, "-Dorg.slf4j.simpleLogger.showDateTime=true"],
        ...classPath,
        "kafka.Kafka",
        properties,
      ],
    };
  },
};

async function format(classPath: readonly string[], properties: string): Promise<void> {
  const id = randomBytes(16).toString("base64url");
  const args = [...classPath, "kafka.tools.StorageTool", "format", "-t", id, "-c", properties];
  await promisify(execFile)("java", args, { timeout: 60_000 });
}

function configuration(data: string): string {
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${HOST}:${CONTROLLER_PORT}
listeners=PLAINTEXT://${HOST}:${PORT},CONTROLLER://${HOST}:${CONTROLLER_PORT}
advertised.listeners=PLAINTEXT://${HOST}:${PORT}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${data}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# Tests of consumers that fall silent shouldn't take the six seconds that are the least elsewhere.
group.min.session.timeout.ms=1000
`;
}

export const kafka: Service = { name: "kafka", servers: [broker] };
