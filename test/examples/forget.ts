import { Admin } from "@platformatic/kafka";
import { Client } from "cassandra-driver";
import { endpoints } from "../../scripts/services/services.js";

/** Throws away what an example left on the shared servers under this name. Its topics only where it has a queue there. */
export async function forget(name: string, onKafka: boolean): Promise<void> {
  const { cassandra, kafka } = endpoints;
  const { contactPoints, port, localDataCenter } = cassandra;
  const client = new Client({ contactPoints: [...contactPoints], localDataCenter, protocolOptions: { port } });
  try {
    await client.execute(`DROP KEYSPACE IF EXISTS ${name}`);
  } finally {
    await client.shutdown();
  }
  if (!onKafka) return;
  const admin = new Admin({ clientId: name, bootstrapBrokers: [`${kafka.host}:${kafka.port}`] });
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(name));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.close();
  }
}
