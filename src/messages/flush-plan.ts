import type { FlushPlan, FlushStep } from "../log/flusher.js";
import type { Offset } from "../ports/queue.js";
import type { DeviceStateKey, Write } from "../ports/storage.js";
import { conversationValue } from "../ports/stored.js";
import type { DeviceState } from "./device-state.js";
import { encodeDeviceState } from "./device-state-codec.js";
import type { Partition } from "./partition.js";

export interface FlushTarget {
  readonly topic: string;
  readonly partition: number;
  /** Whether storage lands all writes of a call together: a plan has no more steps than it needs there. */
  readonly atomic: boolean;
}

/**
 * What brings storage up to the last applied record, in the order that makes a stop between any two writes harmless:
 * rows; the states of devices; the states of conversations, each with the members it decides by; the checkpoint.
 */
export function planFlush(
  partition: Partition,
  rows: (upTo: Offset) => readonly Write[],
  target: FlushTarget,
  /** Resolves when what the entries lead to elsewhere is accepted there: behind the rows, before the states. */
  deliver?: (upTo: Offset) => Promise<void>,
): FlushPlan {
  const upTo = partition.applied;
  const { conversations, devices, membership } = partition.dirty();
  const states: FlushStep[] = [
    {
      name: "flush.device_states",
      writes: devices.map(({ key, state }) => deviceWrite(key, state, upTo, target.atomic)),
    },
    {
      name: "flush.conversations",
      writes: conversations.map((state): Write => {
        const changes = [...(membership.get(state.id) ?? [])];
        return {
          kind: "conversation",
          conversation: state.id,
          value: conversationValue(state),
          offset: state.offset,
          joined: changes.filter(([, member]) => member).map(([user]) => user),
          left: changes.filter(([, member]) => !member).map(([user]) => user),
        };
      }),
    },
    { name: "flush.checkpoint", writes: checkpointWrite(partition, target, upTo) },
  ];
  return {
    upTo,
    steps() {
      const steps = stepsOf({ name: "flush.rows", writes: rows(upTo) }, states, target.atomic, deliver === undefined);
      const next = steps.findIndex(({ name }) => name !== "flush.rows");
      return steps.map((step, i) => (i === next && deliver ? { ...step, before: () => deliver(upTo) } : step));
    },
  };
}

/** The steps that write something. Where writes land together, only what is delivered in between divides them. */
function stepsOf(rows: FlushStep, states: readonly FlushStep[], atomic: boolean, undivided: boolean): FlushStep[] {
  const together = (steps: readonly FlushStep[]): FlushStep => ({
    name: "flush.checkpoint",
    writes: steps.flatMap(({ writes }) => writes),
  });
  let steps = [rows, ...states];
  if (atomic) steps = undivided ? [together(steps)] : [rows, together(states)];
  return steps.filter(({ writes }) => writes.length > 0);
}

function deviceWrite(key: DeviceStateKey, state: DeviceState, upTo: Offset, atomic: boolean): Write {
  return { kind: "device_state", ...key, value: encodeDeviceState(state.snapshot(upTo, atomic)), offset: upTo };
}

function checkpointWrite(partition: Partition, { topic, partition: number }: FlushTarget, upTo: Offset): Write[] {
  return upTo > partition.checkpoint
    ? [{ kind: "checkpoint", topic, partition: number, offset: upTo, value: NOTHING }]
    : [];
}

const NOTHING = new Uint8Array(0);
