import { type ChatServerOptions, createChatServer, developmentAuth } from "sentseen";
import { memory } from "sentseen/memory";
import { describe, expect, it } from "vitest";

const parts = memory();
const good: ChatServerOptions = { ...parts, authenticate: developmentAuth() };

/** Makes a server with these options instead of good ones. */
function make(options: Readonly<Record<string, unknown>>): void {
  createChatServer({ ...good, ...options } as ChatServerOptions);
}

/** A part that says something else of itself. */
function part(name: keyof typeof parts, says: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const real: object = parts[name];
  const said = new Proxy(real, {
    get(_, key) {
      if (Object.hasOwn(says, key)) return says[String(key)];
      const value: unknown = Reflect.get(real, key, real);
      return typeof value === "function" ? value.bind(real) : value;
    },
  });
  return { [name]: said };
}

describe("options that are no good are refused, and the one at fault is named:", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["an unknown one", { storrage: parts.storage }, "storrage"],
    ["an unknown limit", { limits: { contents: 1 } }, "limits.contents"],
    ["an unknown setting of hooks", { hooks: { afterSend: () => {} } }, "hooks.afterSend"],
    ["an unknown setting of rates", { rate: { perSecond: 1 } }, "rate.perSecond"],
    ["an unknown retention", { retention: { hours: 3 } }, "retention"],
    ["a retention that is no word of ours", { retention: "never" }, "retention"],
    ["no storage", { storage: undefined }, "storage"],
    ["a queue that is none", { queue: "redis://localhost" }, "queue"],
    ["no registry", { registry: null }, "registry"],
    ["no authentication", { authenticate: undefined }, "authenticate"],
    ["a secret in place of authentication", { authenticate: "secret" }, "authenticate"],
    ["a hook that is no function", { hooks: { beforeSend: true } }, "hooks.beforeSend"],
    ["an unknown policy for failures", { hooks: { onFailure: "retry" } }, "hooks.onFailure"],
    ["origins that are no list", { origins: "https://app.example" }, "origins"],
    ["no roles at all", { roles: [] }, "roles"],
    ["an unknown role", { roles: ["gateway", "push"] }, "roles.1"],
    ["a number as a text", { flushMs: "3000" }, "flushMs"],
    ["a number that is none", { maxConnections: Number.NaN }, "maxConnections"],
    ["a clock that is no function", { now: 0 }, "now"],
  ])("%s", (_, options, field) => {
    let thrown: unknown;
    try {
      make(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "config" });
    expect((thrown as { field: string }).field.startsWith(field)).toBe(true);
    expect((thrown as Error).message).toContain(field);
  });

  it.each([undefined, null, 7, "memory"])("%o in place of all of them", (options) => {
    expect(() => createChatServer(options as never)).toThrow(expect.objectContaining({ code: "config" }));
  });
});

describe("a number that is out of bounds is refused with its limit:", () => {
  it.each<[string, number, number, (value: number) => Record<string, unknown>]>([
    ["limits.content", 1, 65_536, (content) => ({ limits: { content } })],
    ["limits.frame", 1_024, 262_144, (frame) => ({ limits: { frame } })],
    ["limits.in_flight", 1, 1_024, (in_flight) => ({ limits: { in_flight } })],
    ["limits.group_members", 1, 99, (group_members) => ({ limits: { group_members } })],
    ["limits.idle_seconds", 2, 600, (idle_seconds) => ({ limits: { idle_seconds } })],
    ["rate.burst", 1, 1_000_000, (burst) => ({ rate: { burst } })],
    ["maxConnections", 1, 10_000_000, (maxConnections) => ({ maxConnections })],
    ["hooks.deadlineMs", 1, 60_000, (deadlineMs) => ({ hooks: { deadlineMs } })],
    ["flushMs", 1, 10_000, (flushMs) => ({ flushMs })],
    ["receiptsMs", 1, 10_000, (receiptsMs) => ({ receiptsMs })],
    ["sweepMs", 1, 86_400_000, (sweepMs) => ({ sweepMs })],
  ])("%s, from %i to %i", (field, least, most, options) => {
    const refused = (limit: number) => expect.objectContaining({ code: "config", field, limit });
    expect(() => make(options(least - 1))).toThrow(refused(least));
    expect(() => make(options(most + 1))).toThrow(refused(most));
    expect(() => make(options(least + 0.5))).toThrow(expect.objectContaining({ code: "config", field }));
    make(options(least));
    make(options(most));
  });

  it("rate.per_second and retention.days, which needn't be whole", () => {
    const refused = (field: string, limit: number) => expect.objectContaining({ code: "config", field, limit });
    expect(() => make({ rate: { per_second: 0 } })).toThrow(refused("rate.per_second", 0));
    expect(() => make({ retention: { days: 0 } })).toThrow(refused("retention.days", 0));
    expect(() => make({ retention: { days: 36_501 } })).toThrow(refused("retention.days", 36_500));
    make({ rate: { per_second: 0.5 }, retention: { days: 0.5 } });
  });
});

describe("parts that don't fit together are refused, and the one to change is named:", () => {
  const incompatible = (field: string) => expect.objectContaining({ code: "incompatible", field });

  it.each(["storage", "queue", "registry"] as const)("%s of another contract, with both versions", (name) => {
    for (const contract of [0, 2, undefined]) {
      expect(() => make(part(name, { contract }))).toThrow(incompatible(name));
    }
    expect(() => make(part(name, { contract: 2 }))).toThrow(/2.*1/);
  });

  it.each(["storage", "queue", "registry"] as const)("%s of a scope that isn't known", (name) => {
    for (const scope of ["galaxy", undefined, "toString"]) {
      expect(() => make(part(name, { scope }))).toThrow(incompatible(name));
    }
  });

  it("a queue of a cluster over storage or a registry that others can't reach", () => {
    const queue = part("queue", { scope: "cluster", embedded: false });
    const storage = part("storage", { scope: "cluster" });
    expect(() => make(queue)).toThrow(incompatible("storage"));
    expect(() => make({ ...queue, ...storage })).toThrow(incompatible("registry"));
    make({ ...queue, ...storage, ...part("registry", { scope: "cluster" }) });
  });

  it("a registry of a cluster with a queue that others can't reach", () => {
    expect(() => make(part("registry", { scope: "cluster" }))).toThrow(incompatible("queue"));
  });

  it("a queue of a machine over storage or a registry that its other processes can't reach", () => {
    const queue = part("queue", { scope: "machine", embedded: false });
    const storage = part("storage", { scope: "machine" });
    expect(() => make(queue)).toThrow(incompatible("storage"));
    expect(() => make({ ...queue, ...storage })).toThrow(incompatible("registry"));
    make({ ...queue, ...storage, ...part("registry", { scope: "machine" }) });
  });

  it("a rate limiter of another contract, or that the other gateways don't share", () => {
    const limiter = { contract: 1, scope: "process", open() {}, close() {}, take() {} };
    const cluster = { scope: "cluster", embedded: false };
    const parts = { ...part("queue", cluster), ...part("storage", cluster), ...part("registry", cluster) };
    expect(() => make({ rateLimiter: { ...limiter, contract: 2 } })).toThrow(incompatible("rateLimiter"));
    expect(() => make({ ...parts, rateLimiter: limiter })).toThrow(incompatible("rateLimiter"));
    make({ ...parts, rateLimiter: { ...limiter, scope: "cluster" } });
    make({ rateLimiter: limiter });
  });

  it.each<[keyof typeof parts, keyof typeof parts]>([
    ["storage", "queue"],
    ["queue", "registry"],
    ["registry", "storage"],
  ])("in the place of %s, the %s", (place, given) => {
    expect(() => make({ [place]: parts[given] })).toThrow(incompatible(place));
  });

  it.each(["durable", "embedded"])("a queue that doesn't say whether it is %s", (says) => {
    expect(() => make(part("queue", { [says]: undefined }))).toThrow(incompatible("queue"));
  });

  it("a queue that forgets, but outlives storage", () => {
    const queue = part("queue", { durable: false, scope: "machine" });
    expect(() => make(queue)).toThrow(incompatible("storage"));
    make({ ...queue, ...part("storage", { scope: "machine" }) });
  });

  it("a durable queue over storage that forgets", () => {
    const durable = part("queue", { durable: true, scope: "machine" });
    expect(() => make(durable)).toThrow(incompatible("storage"));
    make({ ...durable, ...part("storage", { scope: "machine" }) });
  });

  it("roles that leave the rest to nobody", () => {
    const alone = expect.objectContaining({ code: "config", field: "roles" });
    expect(() => make({ roles: ["gateway"] })).toThrow(alone);
    expect(() => make({ roles: ["messages", "delivery"] })).toThrow(alone);
    expect(() => make({ roles: ["gateway", "gateway", "gateway"] })).toThrow(alone);
    make({ roles: ["delivery", "messages", "gateway"] });
  });
});
