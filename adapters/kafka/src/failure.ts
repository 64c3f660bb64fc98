import { ChatError } from "sentseen/ports";

/** The protocol's error codes that are told apart here. */
export const CODE = {
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  invalidReplicationFactor: 38,
  topicAlreadyExists: 36,
  duplicateSequence: 46,
  memberIdRequired: 79,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const;

interface ClientError {
  readonly apiCode?: number;
  readonly canRetry?: boolean;
  readonly errors?: readonly unknown[];
  readonly response?: unknown;
}

/** The code that the broker answered with; null where it didn't answer. */
export function codeOf(error: unknown): number | null {
  const { apiCode, errors } = (error ?? {}) as ClientError;
  if (typeof apiCode === "number") return apiCode;
  for (const inner of errors ?? []) {
    const code = codeOf(inner);
    if (code !== null) return code;
  }
  return null;
}

/** What a broker answered that found fault with some of what it was asked. */
export function responseIn<T>(error: unknown): T | null {
  return ((error as ClientError | null)?.response as T | undefined) ?? null;
}

/** What Kafka refused, as the error that callers know: trying again may help. */
export function unavailable(what: string, cause: unknown): ChatError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChatError("store_unavailable", `${what}: ${why}`, { cause });
}

export function closed(): ChatError {
  return new ChatError("closed", "The Kafka queue is not open.");
}
