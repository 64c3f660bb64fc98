export { type ApnsOptions, apns } from "./apns/apns.js";
export type { ServiceAccount } from "./fcm/access-token.js";
export { type FcmOptions, fcm } from "./fcm/fcm.js";
export type { LinkOptions } from "./link/options.js";
export { makeVapidKeys, type VapidKeys } from "./web-push/vapid.js";
export { type WebPushOptions, webPush } from "./web-push/web-push.js";
export { type WebhookOptions, webhook } from "./webhook/webhook.js";
