import { ChatError } from "../errors.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { ClientFrames } from "../protocol/frames.js";
import type { Draft, Hooks, Verdict } from "./services.js";

type SendFrame = ClientFrames["send"];

/**
 * Asks the host about a message. Answers what is to be stored; throws `refused` with the host's reason, or as
 * `onFailure` says where the hook threw or took too long.
 */
export async function askHook(
  hooks: Hooks,
  frame: SendFrame,
  sender: UserId,
  device: Uuid,
  conversation: Uuid,
): Promise<SendFrame> {
  const { beforeSend, deadlineMs, onFailure } = hooks;
  if (beforeSend === undefined) return frame;
  const { id, user, content_type, content, envelopes, silent, mentions } = frame;
  const draft: Draft = {
    id,
    sender,
    device,
    conversation,
    content_type,
    content,
    ...(user !== undefined && { to: user }),
    ...(envelopes !== undefined && { envelopes }),
    ...(silent !== undefined && { silent }),
    ...(mentions !== undefined && { mentions }),
  };
  let verdict: Verdict;
  try {
    verdict = await withDeadline(async () => beforeSend(draft), deadlineMs);
  } catch (cause) {
    if (onFailure === "pass") return frame;
    throw new ChatError("refused", "The host could not decide on the message.", { cause });
  }
  if (verdict === undefined) return frame;
  if ("refuse" in verdict) throw new ChatError("refused", verdict.refuse);
  return { ...frame, ...verdict.change };
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
