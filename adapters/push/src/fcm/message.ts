import type { Notification } from "sentseen/ports";

/** Bytes of title, body and data together that FCM takes. */
export const MOST_PAYLOAD = 4_096;

/**
 * The `message` of FCM's HTTP v1. One that the app changes before it is shown carries no `notification`, or Android
 * would show it without asking the app: title and body are among the data then.
 */
export function fcmMessage(token: string, given: Notification): Record<string, unknown> {
  const { id, alert, mutable, badge, data, collapse_key, time_to_live, urgency } = given;
  const shown = alert !== undefined && mutable !== true;
  const own: Record<string, string> = { ...data, push_id: id };
  if (alert !== undefined && !shown) Object.assign(own, alert);
  if (badge !== undefined && !shown) own.badge = String(badge);
  const notification: Record<string, unknown> = {};
  if (collapse_key !== undefined) notification.tag = collapse_key;
  if (badge !== undefined) notification.notification_count = badge;
  const android: Record<string, unknown> = {
    priority: urgency === "normal" || alert === undefined ? "NORMAL" : "HIGH",
    ttl: `${time_to_live}s`,
    ...(collapse_key === undefined ? {} : { collapse_key }),
    ...(shown && Object.keys(notification).length > 0 ? { notification } : {}),
  };
  return { token, ...(shown ? { notification: alert } : {}), data: own, android };
}

/** The bytes that count against `MOST_PAYLOAD`. */
export function payloadBytes({ alert, data }: Notification): number {
  const texts = [alert?.title ?? "", alert?.body ?? "", ...Object.entries(data).flat()];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
