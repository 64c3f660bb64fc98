import { ChatError, CONTRACT, type Grant, partitionOf, type Rate, type RateLimiter } from "sentseen/ports";
import { limitScripts } from "../link/lua-files.js";
import type { Servers } from "../link/servers.js";

/** Over how much of a cluster users are spread; where there is one server there is nothing to spread. */
const CLUSTER_BUCKETS = 64;

export interface RedisRateLimiterOptions {
  readonly servers: Servers;
  readonly prefix: string;
  readonly whenAway: "pass" | "refuse";
}

/** What users do on all gateways, counted in Redis by its clock. */
export class RedisRateLimiter implements RateLimiter {
  readonly contract = CONTRACT;
  readonly scope = "cluster";
  readonly whenAway: "pass" | "refuse";

  readonly #servers: Servers;
  readonly #prefix: string;
  #open = false;

  constructor({ servers, prefix, whenAway }: RedisRateLimiterOptions) {
    this.#servers = servers;
    this.#prefix = prefix;
    this.whenAway = whenAway;
  }

  async open(): Promise<void> {
    await this.#servers.open();
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#servers.close();
  }

  async take(rate: Rate, wanted: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, Grant>> {
    if (!this.#open) throw new ChatError("closed", "The Redis rate limiter is not open.");
    const buckets = new Map<number, string[]>();
    for (const user of wanted.keys()) {
      const bucket = this.#bucketOf(user);
      const users = buckets.get(bucket);
      if (users === undefined) buckets.set(bucket, [user]);
      else users.push(user);
    }
    const grants = new Map<string, Grant>();
    await Promise.all([...buckets].map(([bucket, users]) => this.#takeOf(bucket, users, rate, wanted, grants)));
    return grants;
  }

  async #takeOf(
    bucket: number,
    users: readonly string[],
    { per_second, burst }: Rate,
    wanted: ReadonlyMap<string, number>,
    grants: Map<string, Grant>,
  ): Promise<void> {
    const keys = users.map((user) => `{${this.#prefix}:l:${bucket}}:${user}`);
    const counts = users.map((user) => wanted.get(user) ?? 0);
    const answer = (await limitScripts.grant.run(this.#servers, keys, [per_second, burst, ...counts])) as number[];
    for (const [index, user] of users.entries()) {
      grants.set(user, { granted: Number(answer[2 * index]), wait: Number(answer[2 * index + 1]) });
    }
  }

  #bucketOf(user: string): number {
    return this.#servers.clustered ? partitionOf(user, CLUSTER_BUCKETS) : 0;
  }
}
