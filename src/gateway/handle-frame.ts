import { ChatError, isChatError } from "../errors.js";
import { within } from "../log/within.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { Offset } from "../ports/queue.js";
import { REQUESTS } from "../protocol/bounds.js";
import type { ClientFrame, ClientFrames } from "../protocol/frames.js";
import { answerRequest, isRequest, type RequestFrame } from "./answer-request.js";
import { askHook } from "./ask-hook.js";
import type { Connection } from "./connection.js";
import type { Gateway } from "./gateway.js";
import { ConnectionOrigin, GivenCommand } from "./given-command.js";
import { renew } from "./greet.js";
import { type CommandFrame, conversationOf, isCommand, toAction } from "./to-action.js";

/** The least time, in milliseconds, that a command refused for now is told to wait. */
const LEAST_WAIT = 100;
/** How long (ms) a pong waits to be told how far the mailbox goes: the connection lives, whatever is away behind it. */
const PONG_MS = 2_000;
/** There may be more than anybody knows just now. */
const NOBODY_KNOWS = Number.MAX_SAFE_INTEGER;
/** How long (ms) others wait for such a command to come again before it counts as given up. */
const OWED_MS = 30_000;

/** What a frame of a connection that has been let in leads to. */
export function handleFrame(gateway: Gateway, connection: Connection, frame: ClientFrame): void {
  if (isCommand(frame)) command(gateway, connection, frame);
  else if (isRequest(frame)) request(gateway, connection, frame);
  else if (frame.type === "receipt") receipt(gateway, connection, frame);
  else if (frame.type === "ping") ping(gateway, connection, frame);
  else if (frame.type === "auth") {
    renew(gateway, connection, frame).catch((error: unknown) => gateway.contain(connection, error));
  } else connection.refuse(new ChatError("already_greeted"));
}

// ── commands: checked → within the rate → past the hook → published ────────────────────────────────────────────────

function command(gateway: Gateway, connection: Connection, frame: CommandFrame): void {
  const { services } = gateway;
  try {
    const conversation = conversationOf(frame, connection.user, gateway.directIds);
    checkContent(frame, services.limits.content);
    withinRate(gateway, connection, frame.id);
    connection.unanswered.add(frame.ref);
    if (connection.inFlight > services.limits.in_flight * 2) connection.ws.pause();
    const asks = frame.type === "send" && services.hooks.beforeSend !== undefined;
    if (asks || connection.turn !== null) inTurn(gateway, connection, frame, conversation);
    else accept(gateway, connection, frame, conversation);
  } catch (error) {
    if (!isChatError(error)) throw error;
    connection.refuse(error, frame.ref, frame.id);
  }
}

/** The server's own limit may be below the schema's. */
function checkContent(frame: CommandFrame, limit: number): void {
  if (frame.type === "send" && frame.content.length > limit) {
    throw new ChatError("too_large", `content: at most ${limit} bytes`, { field: "content", limit });
  }
}

/**
 * Throws `rate_limited` for one too many. From then on nothing of this connection overtakes the refused command: it
 * must come again first, so a device's order survives. [R4]
 */
function withinRate(gateway: Gateway, connection: Connection, id: Uuid): void {
  const { services } = gateway;
  const now = services.now();
  const { owed } = connection;
  if (owed !== null && owed.id !== id && now < owed.until) {
    throw new ChatError("rate_limited", "An earlier command has to come again first.", { retry_after: LEAST_WAIT });
  }
  const wait = gateway.directory.take(connection.user, now);
  if (wait === 0) {
    connection.owed = null;
    return;
  }
  connection.owed = { id, until: now + OWED_MS };
  throw new ChatError("rate_limited", undefined, { retry_after: Math.max(LEAST_WAIT, wait) });
}

/** Commands wait for the hook's word on earlier ones of their connection. [R4] */
function inTurn(gateway: Gateway, connection: Connection, frame: CommandFrame, conversation: Uuid): void {
  const turn = (connection.turn ?? Promise.resolve()).then(async () => {
    try {
      const asked = frame.type === "send" ? await askHook(gateway.services, frame, connection, conversation) : frame;
      if (connection.state === "open" && !connection.closing) accept(gateway, connection, asked, conversation);
    } catch (error) {
      connection.unanswered.remove(frame.ref);
      if (isChatError(error)) connection.refuse(error, frame.ref, frame.id);
      else gateway.contain(connection, error);
    }
    if (connection.turn === turn) connection.turn = null;
  });
  connection.turn = turn;
}

function accept(gateway: Gateway, connection: Connection, frame: CommandFrame, conversation: Uuid): void {
  const { services } = gateway;
  const { id, user, device } = connection;
  const origin = new ConnectionOrigin(services.node, id, frame.ref);
  gateway.publisher.add(
    new GivenCommand(conversation, frame.id, user, device, services.now(), origin, toAction(frame)),
  );
  services.probe("command.accepted");
}

// ── the rest ───────────────────────────────────────────────────────────────────────────────────────────────────────

function request(gateway: Gateway, connection: Connection, frame: RequestFrame): void {
  if (connection.requests >= REQUESTS) {
    connection.refuse(
      new ChatError("rate_limited", undefined, { limit: REQUESTS, retry_after: LEAST_WAIT }),
      frame.ref,
    );
    return;
  }
  connection.requests++;
  answerRequest(gateway.services, connection, frame)
    .then(
      (answer) => connection.send(answer),
      (error: unknown) => {
        if (!isChatError(error)) gateway.failed(error);
        connection.refuse(
          isChatError(error) ? error : new ChatError("internal", undefined, { cause: error }),
          frame.ref,
        );
      },
    )
    .finally(() => {
      connection.requests--;
    });
}

function receipt({ services }: Gateway, { user, device }: Connection, frame: ClientFrames["receipt"]): void {
  const { position, delivered = [], read = [] } = frame;
  for (const [conversation, seq] of delivered)
    services.receipts.report(user, conversation, { delivered: seq, read: 0 });
  for (const [conversation, seq] of read) services.receipts.report(user, conversation, { delivered: seq, read: seq });
  if (position !== undefined) services.mailboxes.acknowledge(user, device, position);
}

function ping(gateway: Gateway, connection: Connection, frame: ClientFrames["ping"]): void {
  const { services } = gateway;
  const { user, device } = connection;
  if (frame.position !== undefined) services.mailboxes.acknowledge(user as UserId, device, frame.position);
  const pong = (head: Offset): void => {
    connection.send({ type: "pong", head, position: services.mailboxes.acknowledged(user, device) });
  };
  const head = services.mailboxes.head(user, device);
  if (typeof head === "number") pong(head);
  else {
    within(PONG_MS, head)
      .catch(() => NOBODY_KNOWS)
      .then(pong)
      .catch((error: unknown) => gateway.contain(connection, error));
  }
}
