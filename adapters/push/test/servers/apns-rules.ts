import type { ApnsRequest } from "./apns-server.js";

/** What APNs answers instead of 200. */
export interface Fault {
  readonly status: number;
  readonly reason: string;
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is the matter with a device's token. */
export type DeviceState =
  | "bad"
  | "of another app"
  | "told too much"
  | { readonly unregistered_at: number }
  | { readonly expired_at: number };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const PUSH_TYPES = ["alert", "background", "voip", "complication", "fileprovider", "mdm", "location", "liveactivity"];

const fault = (status: number, reason: string): Fault => ({ status, reason });

/** The documented reason to refuse a request whose bearer is known; null where there is none. */
export function apnsFault(request: ApnsRequest, device: DeviceState | undefined, topic: string): Fault | null {
  return faultOfRequest(request, topic) ?? faultOfDevice(device);
}

function faultOfRequest({ headers, payload, device }: ApnsRequest, topic: string): Fault | null {
  if (headers[":method"] !== "POST") return fault(405, "MethodNotAllowed");
  if (device === "") return fault(404, "BadPath");
  if (!/^[0-9a-f]{64,200}$/i.test(device)) return fault(400, "BadDeviceToken");
  if (headers["apns-topic"] === undefined) return fault(400, "MissingTopic");
  if (headers["apns-topic"] !== topic) return fault(400, "TopicDisallowed");
  const { "apns-id": id, "apns-collapse-id": collapse, "apns-expiration": expiration } = headers;
  if (id !== undefined && !UUID.test(String(id))) return fault(400, "BadMessageId");
  if (collapse !== undefined && Buffer.byteLength(String(collapse)) > 64) return fault(400, "BadCollapseId");
  if (expiration !== undefined && !/^\d{1,10}$/.test(String(expiration))) return fault(400, "BadExpirationDate");
  const type = String(headers["apns-push-type"]);
  if (!PUSH_TYPES.includes(type)) return fault(400, "InvalidPushType");
  const priority = headers["apns-priority"] ?? "10";
  if (!["1", "5", "10"].includes(String(priority))) return fault(400, "BadPriority");
  if (type === "background" && priority === "10") return fault(400, "BadPriority");
  if (payload === "") return fault(400, "PayloadEmpty");
  return Buffer.byteLength(payload) > 4_096 ? fault(413, "PayloadTooLarge") : null;
}

function faultOfDevice(device: DeviceState | undefined): Fault | null {
  if (device === undefined) return null;
  if (device === "bad") return fault(400, "BadDeviceToken");
  if (device === "of another app") return fault(400, "DeviceTokenNotForTopic");
  if (device === "told too much") return fault(429, "TooManyRequests");
  if ("expired_at" in device) return { ...fault(410, "ExpiredToken"), timestamp: device.expired_at };
  return { ...fault(410, "Unregistered"), timestamp: device.unregistered_at };
}
