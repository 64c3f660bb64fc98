import { z } from "zod";
import { checkParts } from "./check-parts.js";
import type { Authenticate } from "./gateway/authenticate.js";
import { errorOf } from "./gateway/given-by-host.js";
import type { Hooks } from "./gateway/services.js";
import type { Probe } from "./log/probe.js";
import { DEFAULT_LIMITS, type Limits } from "./model/limits.js";
import type { ConnectionRegistry } from "./ports/connection-registry.js";
import type { Queue } from "./ports/queue.js";
import type { Rate, RateLimiter } from "./ports/rate-limiter.js";
import type { Storage } from "./ports/storage.js";

const ROLES = ["gateway", "messages", "delivery"] as const;

/** A part of the work that a process can do for all of them. */
export type Role = (typeof ROLES)[number];

/** What a host gives to `createChatServer`. */
export interface ChatServerOptions {
  readonly storage: Storage;
  readonly queue: Queue;
  readonly registry: ConnectionRegistry;
  /**
   * What this process does, where there are several: takes connections ("gateway"), gives commands their places
   * ("messages"), fills mailboxes ("delivery"). Default all.
   */
  readonly roles?: readonly Role[];
  /** Decides who connects. Called for every hello, and for every token that an open connection renews. */
  readonly authenticate: Authenticate;
  /**
   * How long history is kept: "delivered" (default) keeps nothing beyond delivery and undelivered entries for 30 days;
   * "forever" or a number of days keeps conversations to be pulled.
   */
  readonly retention?: "delivered" | "forever" | { readonly days: number };
  /** Bounds told to clients; none above the schema's ceilings. */
  readonly limits?: Partial<Limits>;
  /** Commands of one user: on average a second, and at once. Default 200 and 1,000. */
  readonly rate?: Partial<Rate>;
  /** Where they are counted for all gateways together; without one each gateway counts alone. */
  readonly rateLimiter?: RateLimiter;
  /** Sockets at a time; more are turned away with 503. Default 100,000. */
  readonly maxConnections?: number;
  /** Which web pages may connect: a list of origins, "same-host" (default), or "any". */
  readonly origins?: readonly string[] | "same-host" | "any";
  readonly hooks?: Partial<Hooks>;
  /** Milliseconds that rows may wait to be written together: so much of the log is read again after a crash. Default 3,000. */
  readonly flushMs?: number;
  /** Milliseconds that receipts may wait to be merged. Default 40. */
  readonly receiptsMs?: number;
  /**
   * Milliseconds between two looks through storage for what has expired, and through the registry for connections that
   * were taken over without this node's being told. Default 60,000.
   */
  readonly sweepMs?: number;
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number;
  /** Told of each step of the pipeline; for tests and traces. */
  readonly probe?: Probe;
}

/** The options with everything that was left out filled in. */
export interface Config {
  readonly storage: Storage;
  readonly queue: Queue;
  readonly registry: ConnectionRegistry;
  readonly roles: readonly Role[];
  readonly authenticate: Authenticate;
  /** Milliseconds; null for ever, 0 for not at all. */
  readonly historyMs: number | null;
  readonly limits: Limits;
  readonly rate: Rate;
  readonly rateLimiter: RateLimiter | null;
  readonly maxConnections: number;
  readonly origins: readonly string[] | "same-host" | "any";
  readonly hooks: Hooks;
  readonly flushMs: number;
  readonly receiptsMs: number;
  readonly sweepMs: number;
  readonly now: () => number;
  readonly probe: Probe;
}

const whole = (most: number, least = 1) => z.number().int().min(least).max(most);
const aFunction = <T>() => z.custom<T>((value) => typeof value === "function", "a function is wanted");
const anAdapter = <T>() => z.custom<T>((value) => typeof value === "object" && value !== null, "an adapter is wanted");
/** As browsers and apps write it, since it is compared to the letter. */
const anOrigin = z.string().regex(/^([a-z][a-z0-9+.-]*:\/\/[^\s/A-Z]*|null)$/, "an origin is like https://app.example");

const DAY_MS = 86_400_000;
/** Undelivered entries go after so long (ms). */
export const UNDELIVERED_MS = 30 * DAY_MS;

const schema = z.strictObject({
  storage: anAdapter<Storage>(),
  queue: anAdapter<Queue>(),
  registry: anAdapter<ConnectionRegistry>(),
  roles: z
    .array(z.enum(ROLES))
    .nonempty()
    .default([...ROLES]),
  authenticate: aFunction<Authenticate>(),
  retention: z
    .union([z.enum(["delivered", "forever"]), z.strictObject({ days: z.number().positive().max(36_500) })])
    .default("delivered"),
  limits: z
    .strictObject({
      content: whole(DEFAULT_LIMITS.content),
      frame: whole(DEFAULT_LIMITS.frame, 1_024),
      in_flight: whole(1_024),
      group_members: whole(DEFAULT_LIMITS.group_members),
      idle_seconds: whole(600, 2),
    })
    .partial()
    .default({}),
  rate: z
    .strictObject({ per_second: z.number().positive(), burst: whole(1_000_000) })
    .partial()
    .default({}),
  rateLimiter: anAdapter<RateLimiter>().optional(),
  maxConnections: whole(10_000_000).default(100_000),
  origins: z.union([z.array(anOrigin), z.enum(["same-host", "any"])]).default("same-host"),
  hooks: z
    .strictObject({
      beforeSend: aFunction<NonNullable<Hooks["beforeSend"]>>(),
      deadlineMs: whole(60_000),
      onFailure: z.enum(["refuse", "pass"]),
    })
    .partial()
    .default({}),
  flushMs: whole(10_000).default(3_000),
  receiptsMs: whole(10_000).default(40),
  sweepMs: whole(86_400_000).default(60_000),
  now: aFunction<() => number>().default(() => Date.now),
  probe: aFunction<Probe>().default(() => () => {}),
});

/** Checks what the host gave. Throws `config` naming the option, or `incompatible` naming the part. */
export function readConfig(options: ChatServerOptions): Config {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw errorOf(parsed.error, "config");
  const { retention, limits, rate, hooks, ...rest } = parsed.data;
  checkParts({ ...rest, all: ROLES });
  return {
    ...rest,
    historyMs: historyMs(retention, rest.queue),
    limits: { ...DEFAULT_LIMITS, ...defined(limits) },
    rate: { per_second: 200, burst: 1_000, ...defined(rate) },
    rateLimiter: rest.rateLimiter ?? null,
    hooks: { deadlineMs: 2_000, onFailure: "refuse", ...defined(hooks) },
  };
}

/**
 * How long entries are kept beside mailboxes. A queue that may forget what was accepted may forget deliveries: devices
 * then find in the conversations what their mailboxes lack, so it is kept there for as long as in mailboxes.
 */
function historyMs(retention: NonNullable<ChatServerOptions["retention"]>, queue: Queue): number | null {
  if (retention === "forever") return null;
  const wanted = retention === "delivered" ? 0 : retention.days * DAY_MS;
  return queue.embedded || queue.durable ? wanted : Math.max(wanted, UNDELIVERED_MS);
}

/** Only what was given, so that it doesn't cover a default with undefined. */
function defined<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
