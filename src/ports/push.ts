import type { Uuid } from "../model/ids.js";
import type { Adapter } from "./scope.js";

/** What a notification shows. It passes through the push service in the clear, unless that is Web Push. */
export interface Alert {
  readonly title: string;
  readonly body?: string;
}

/** What is sent to a device: the smallest thing that makes its app show, or take back, a notification. */
export interface Notification {
  /** Stays the same however often it is tried, so that repetitions can be told apart from news. */
  readonly id: Uuid;
  /** Without it the notification is silent: it wakes the app, and shows nothing. */
  readonly alert?: Alert;
  /** The app changes the alert before it is shown, for example to what it decrypted. Default false. */
  readonly mutable?: boolean;
  /** The number on the app's icon; left as it is where missing. */
  readonly badge?: number;
  /** What the app is told beside; names and values are the app's own. */
  readonly data: Readonly<Record<string, string>>;
  /** A later one with the same key replaces this one, waiting or shown: 1 to 64 bytes, for example a conversation. */
  readonly collapse_key?: string;
  /** Seconds that a push service keeps it for a device that is off; 0 tries once. At most 28 days. */
  readonly time_to_live: number;
  /** `high` wakes the device; `normal` may wait until it wakes anyway; `call` rings, where the device knows that. */
  readonly urgency: "normal" | "high" | "call";
}

/** One notification to one device. */
export interface Push {
  /** As the app got it from its platform; for Web Push a subscription as JSON. */
  readonly token: string;
  readonly notification: Notification;
}

/** What came of one push. `reason` is the push service's own word where it had one, else one of the provider's. */
export type PushResult =
  /** The push service took it. Whether and when the device shows it nobody tells. */
  | { readonly outcome: "sent" }
  /** It may have been taken or not; the same push may succeed later. Not before `retry_after` (ms), where given. */
  | { readonly outcome: "retry"; readonly reason: string; readonly retry_after?: number }
  /** The token is of no use any more. Where `since` (ms since 1970) is given, one registered later is another matter. */
  | { readonly outcome: "dead"; readonly reason: string; readonly since?: number }
  /** It won't ever be taken as it is; the token may be good. */
  | { readonly outcome: "refused"; readonly reason: string };

/**
 * The way to one push service.
 *
 * - *Order*: none, not even for one token.
 * - *Idempotence*: a push that is sent again may show again, unless it collapses; `id` is the same for both.
 * - *Failure*: `send` doesn't reject. A service that is away, slow or misconfigured answers `retry`, and once that has
 *   happened often enough at once, without asking it (`circuit_open`). One provider's troubles don't touch another.
 * - *Bounds*: what the service can't take at once waits in the provider, up to a bound; beyond it `send` answers `retry`
 *   (`overloaded`) at once. Each answer comes within the provider's deadline.
 * - *Cost*: a request for each push, over connections that are kept.
 */
export interface PushProvider extends Adapter {
  /** By which tokens are registered for it: 1 to 32 of a-z, 0-9 and "-". */
  readonly name: string;
  /** Throws `invalid` for what can't be a token, so that it is refused when it is registered. Asks nobody. */
  check(token: string): void;
  send(push: Push): Promise<PushResult>;
}
