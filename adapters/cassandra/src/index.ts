export {
  type Cassandra,
  type CassandraOptions,
  type CassandraSettings,
  cassandra,
  type OwnClient,
} from "./cassandra.js";
export type { CassandraClient, RequestOptions, ResultPage, Statement } from "./client.js";
export type { Contact } from "./connection.js";
