import { z } from "zod";
import { ChatError } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import { DEFAULT_LIMITS } from "../model/limits.js";
import { type ClientFrames, PAGE } from "../protocol/frames.js";
import { bytes, contentType, parse, userId, uuid } from "./given-by-host.js";
import type { Draft, Services, Verdict } from "./services.js";

type SendFrame = ClientFrames["send"];

const refusal = z.strictObject({ refuse: z.string() });
const change = z.strictObject({
  change: z
    .strictObject({
      content_type: contentType,
      content: bytes,
      envelopes: z
        .array(z.tuple([uuid, bytes.refine(({ length }) => length <= 16_384, "at most 16384 bytes")]))
        .max(PAGE),
      silent: z.boolean(),
      mentions: z.array(userId).max(DEFAULT_LIMITS.group_members),
    })
    .partial(),
});

/**
 * Asks the host about a message. Answers what is to be stored; throws `refused` with the host's reason. Where the hook
 * throws, takes too long or answers what makes no message, the host is told and `onFailure` decides.
 */
export async function askHook(
  { hooks, limits, events }: Pick<Services, "hooks" | "limits" | "events">,
  frame: SendFrame,
  sender: { readonly user: UserId; readonly device: Uuid },
  conversation: Uuid,
): Promise<SendFrame> {
  const { beforeSend, deadlineMs, onFailure } = hooks;
  if (beforeSend === undefined) return frame;
  const draft = draftOf(frame, sender, conversation);
  let verdict: Verdict;
  try {
    // A host in JavaScript may answer null, or anything else.
    verdict = checked((await withDeadline(async () => beforeSend(draft), deadlineMs)) ?? undefined, limits.content);
  } catch (cause) {
    events.failed(cause);
    if (onFailure === "pass") return frame;
    throw new ChatError("refused", "The host could not decide on the message.", { cause });
  }
  if (verdict === undefined) return frame;
  if ("refuse" in verdict) throw new ChatError("refused", verdict.refuse === "" ? undefined : verdict.refuse);
  const given = Object.entries(verdict.change).filter(([, value]) => value !== undefined);
  return { ...frame, ...Object.fromEntries(given) };
}

function draftOf(
  frame: SendFrame,
  sender: { readonly user: UserId; readonly device: Uuid },
  conversation: Uuid,
): Draft {
  const { id, user, content_type, content, envelopes, silent, mentions } = frame;
  return {
    id,
    sender: sender.user,
    device: sender.device,
    conversation,
    content_type,
    content,
    ...(user !== undefined && { to: user }),
    ...(envelopes !== undefined && { envelopes }),
    ...(silent !== undefined && { silent }),
    ...(mentions !== undefined && { mentions }),
  };
}

/** The verdict, if it is one. Throws `invalid` or `too_large`, naming the field. */
function checked(verdict: Verdict, limit: number): Verdict {
  if (verdict === undefined) return verdict;
  if ("refuse" in verdict) return parse(refusal, verdict);
  const changed = parse(change, verdict) as Extract<Verdict, { change: unknown }>;
  if ((changed.change.content?.length ?? 0) > limit) {
    throw new ChatError("too_large", `change.content: at most ${limit} bytes`, { field: "change.content", limit });
  }
  return changed;
}

/** Runs something that may take so long, in milliseconds; throws `timeout` when it takes longer. */
export async function withDeadline<T>(run: () => Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ChatError("timeout", undefined, { limit: ms })), ms);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}
