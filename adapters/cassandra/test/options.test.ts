import { describe, expect, test } from "vitest";
import { type CassandraOptions, cassandra } from "../src/index.js";

const contact = { contactPoints: ["127.0.0.1"], dataCenter: "dc1" };

describe("options", () => {
  test.each<[string, object]>([
    ["contactPoints", { dataCenter: "dc1" }],
    ["contactPoints", { contactPoints: [], dataCenter: "dc1" }],
    ["contactPoints", { contactPoints: [""], dataCenter: "dc1" }],
    ["dataCenter", { contactPoints: ["127.0.0.1"] }],
    ["keyspace", { ...contact, keyspace: "Chat" }],
    ["keyspace", { ...contact, keyspace: "x; DROP KEYSPACE y" }],
    ["replication", { ...contact, replication: {} }],
    ["replication", { ...contact, replication: { dc1: 0 } }],
    ["deadlineMs", { ...contact, deadlineMs: 0 }],
    ["attemptMs", { ...contact, attemptMs: -1 }],
    ["maxInFlight", { ...contact, maxInFlight: 1.5 }],
    ["maxWaiting", { ...contact, maxWaiting: Number.NaN }],
    ["pageSize", { ...contact, pageSize: 0 }],
    ["deviceStateMs", { ...contact, deviceStateMs: 0 }],
  ])("a wrong %s is refused by its name: %o", (field, options) => {
    expect(() => cassandra(options as CassandraOptions)).toThrow(expect.objectContaining({ code: "config", field }));
  });

  test("what is given as undefined is the default", async () => {
    const { storage } = cassandra({
      ...contact,
      keyspace: undefined,
      deadlineMs: undefined,
    } as unknown as CassandraOptions);
    expect(storage).toMatchObject({ contract: 1, scope: "cluster", atomic: false });
    await storage.close();
  });

  test("a storage that isn't open refuses with closed", async () => {
    const { storage } = cassandra(contact);
    await expect(storage.devices("alice")).rejects.toMatchObject({ code: "closed" });
    await storage.close();
    await expect(storage.sweep(0, 1)).rejects.toMatchObject({ code: "closed" });
    await expect(storage.open()).rejects.toMatchObject({ code: "closed" });
  });

  test("a cluster that can't be reached is store_unavailable", async () => {
    const { storage } = cassandra({ ...contact, contactPoints: ["127.0.0.1:16399"] });
    await expect(storage.open()).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
