import { z } from "zod";
import { errorOf } from "./gateway/given-by-host.js";

export interface AttachOptions {
  /** Default /chat. */
  readonly path?: string;
}

export interface ListenOptions extends AttachOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

export interface CloseOptions {
  /** Milliseconds over which clients are told to come back; up to an hour. Default 0. */
  readonly spreadMs?: number;
  /** Milliseconds that commands under way may take to be answered; up to an hour. Default 5,000. */
  readonly deadlineMs?: number;
}

const HOUR_MS = 3_600_000;
const path = z.string().startsWith("/").default("/chat");
const duration = z.number().int().min(0).max(HOUR_MS);

export const attachOptions = z.strictObject({ path });
export const listenOptions = z.strictObject({
  port: z.number().int().min(0).max(65_535),
  host: z.string().min(1).default("127.0.0.1"),
  path,
});
export const closeOptions = z.strictObject({ spreadMs: duration.default(0), deadlineMs: duration.default(5_000) });

/** What a method of the server was given, with its defaults. Throws `config`, naming the option and its limit. */
export function readOptions<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw errorOf(parsed.error, "config");
  return parsed.data;
}
