import type { Notification } from "sentseen/ports";

/** Bytes of a payload that APNs takes. */
export const MOST_PAYLOAD = 4_096;

/** The JSON that the device gets: Apple's part under `aps`, the app's own beside it. */
export function apnsPayload({ alert, mutable, badge, data, collapse_key, urgency }: Notification): string {
  const aps: Record<string, unknown> = {};
  if (alert === undefined) aps["content-available"] = 1;
  else {
    aps.alert = alert;
    aps.sound = "default";
    if (collapse_key !== undefined) aps["thread-id"] = collapse_key;
    if (mutable === true) aps["mutable-content"] = 1;
    if (urgency === "call") aps["interruption-level"] = "time-sensitive";
  }
  if (badge !== undefined) aps.badge = badge;
  return JSON.stringify({ ...data, aps });
}

/** The headers that say how APNs treats a notification. */
export function apnsHeaders(notification: Notification, topic: string): Record<string, string> {
  const { id, alert, collapse_key, time_to_live, urgency } = notification;
  const headers: Record<string, string> = {
    "apns-id": id,
    "apns-topic": topic,
    "apns-push-type": alert === undefined ? "background" : "alert",
    // Apple refuses a silent one that is to be delivered at once.
    "apns-priority": alert === undefined || urgency === "normal" ? "5" : "10",
    "apns-expiration": time_to_live === 0 ? "0" : String(Math.floor(Date.now() / 1000) + time_to_live),
  };
  if (collapse_key !== undefined) headers["apns-collapse-id"] = collapse_key;
  return headers;
}
