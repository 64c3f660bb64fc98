import { ChatError } from "../errors.js";
import type { ClientFrames } from "../protocol/frames.js";
import { USER_BYTES } from "../protocol/frames.js";
import { withDeadline } from "./ask-hook.js";
import type { Credentials, Identity } from "./authenticate.js";
import type { Connection } from "./connection.js";
import type { Gateway } from "./gateway.js";

const AUTHENTICATE_MS = 8_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Answers a hello: who it is, the place in the registry, the mailbox from where the device left it, welcome, and then
 * everything missed. The mailbox is attached before it is read, so nothing falls in between. [R3 c]
 */
export async function greet(gateway: Gateway, connection: Connection, hello: ClientFrames["hello"]): Promise<void> {
  const { services } = gateway;
  connection.state = "opening";
  const { request } = connection;
  const { user, expires_at } = await identify(gateway, {
    token: hello.token,
    ...(request !== null && {
      request: {
        headers: request.headers,
        url: request.url ?? "/",
        remote_address: request.socket.remoteAddress ?? "",
      },
    }),
  });
  if (connection.closing || connection.state !== "opening") return;
  connection.request = null;
  connection.user = user;
  connection.device = hello.device.id;
  connection.expiresAt = expires_at ?? 0;

  const { entry, replaced } = await services.session.register({
    user,
    device_id: hello.device.id,
    connection_id: connection.id,
  });
  if (replaced !== null) services.takeOver(replaced);
  if (gone(connection)) {
    await services.session.unregister(entry);
    return;
  }
  connection.entry = entry;
  const { id, ...info } = hello.device;
  const { mailboxes } = services;
  const { feed, gap, detach } = await mailboxes.attach(user, id, info, hello.position, connection);
  if (gone(connection)) {
    detach();
    return;
  }
  connection.feed = feed;
  connection.detach = detach;
  connection.send({
    type: "welcome",
    user,
    device: id,
    connection: `${services.node}/${connection.id}`,
    timestamp: services.now(),
    gap,
    limits: services.limits,
  });
  services.events.connected({ user, device: id });
  gateway.admitted(connection);
  feed.start();
}

function gone(connection: Connection): boolean {
  return connection.state === "closed" || connection.closing;
}

/** A fresh token on an open connection: it may only be for the same user. */
export async function renew(gateway: Gateway, connection: Connection, frame: ClientFrames["auth"]): Promise<void> {
  const { user, expires_at } = await identify(gateway, { token: frame.token });
  if (user !== connection.user) throw new ChatError("token_refused", "The token is for somebody else.");
  connection.expiresAt = expires_at ?? 0;
  connection.send({ type: "ok", ref: frame.ref });
}

async function identify({ services }: Gateway, credentials: Credentials): Promise<Identity> {
  // A host in JavaScript may answer nothing at all.
  let identity: Identity | null | undefined;
  try {
    identity = await withDeadline(async () => services.authenticate(credentials), AUTHENTICATE_MS);
  } catch (cause) {
    throw new ChatError("token_refused", undefined, { cause });
  }
  if (identity === null || identity === undefined) throw new ChatError("token_refused");
  const { user, expires_at } = identity;
  if (
    typeof user !== "string" ||
    user === "" ||
    Buffer.byteLength(user) > USER_BYTES ||
    CONTROL.test(user) ||
    !user.isWellFormed()
  ) {
    throw new ChatError("token_refused", "The token's user is no valid user id.", { field: "user", limit: USER_BYTES });
  }
  // What is no number is never later.
  if (expires_at !== undefined && !(expires_at > services.now())) {
    throw new ChatError("token_refused", "The token has run out.");
  }
  return identity;
}
