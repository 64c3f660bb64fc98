import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeviceState, type KnownCommand } from "../../src/messages/device-state.js";
import { decodeDeviceState, encodeDeviceState } from "../../src/messages/device-state-codec.js";
import type { Answer } from "../../src/model/command.js";

const id = fc.integer({ min: 0, max: 40 }).map((n) => `00000000-0000-7000-8000-${String(n * 7919).padStart(12, "0")}`);
const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ ok: fc.constant(true as const), seq: fc.nat(), timestamp: fc.maxSafeNat() }),
  fc.record({ ok: fc.constant(false as const), code: fc.constant("forbidden" as const) }),
  fc.record({
    ok: fc.constant(false as const),
    code: fc.constant("group_full" as const),
    field: fc.constant("users"),
    limit: fc.nat(),
  }),
);
const step = fc.record({ id, answer, ahead: fc.integer({ min: 1, max: 3 }), settled: fc.integer({ min: 0, max: 9 }) });

/** The same as a plain list, newest last. */
function remember(list: KnownCommand[], command: KnownCommand, settled: number, window: number): KnownCommand[] {
  if (list.some((known) => known.id === command.id)) return list;
  const all = [...list, command];
  while ((all[window]?.offset ?? Number.POSITIVE_INFINITY) <= settled) all.shift();
  return all;
}

describe("what is remembered of a device's commands", () => {
  it("is those that aren't settled, and a window of those that are", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 120 }), (window, steps) => {
        const state = new DeviceState(window);
        let list: KnownCommand[] = [];
        let offset = 0;
        for (const { id, answer, ahead, settled } of steps) {
          offset += ahead;
          const known = list.find((command) => command.id === id);
          expect(state.answerBefore(id, offset)).toEqual(known?.answer ?? null);
          expect(state.answerAt(id, known?.offset ?? offset)).toEqual(known?.answer ?? null);
          state.remember({ id, offset, answer }, offset - settled);
          list = remember(list, { id, offset, answer }, offset - settled, window);
          expect(state.snapshot(offset, false)).toEqual(list);
          expect(state.snapshot(offset - 1, false)).toEqual(list.filter((command) => command.offset < offset));
          expect(state.snapshot(offset, true)).toEqual(list.slice(-window));
        }
      }),
    );
  });

  it("comes back from storage as it went there", () => {
    const known = fc.array(fc.record({ id, offset: fc.maxSafeNat(), answer }), { maxLength: 40 });
    fc.assert(
      fc.property(known, (commands) => {
        expect(decodeDeviceState(encodeDeviceState(commands))).toEqual(commands);
      }),
    );
  });

  it("is called corrupt where the bytes are something else", () => {
    const bytes = encodeDeviceState([
      { id: "00000000-0000-7000-8000-000000000001", offset: 7, answer: { ok: true, seq: 1, timestamp: 2 } },
    ]);
    const later = bytes.slice();
    later[1] = 2;
    for (const wrong of [bytes.subarray(0, -1), later, new Uint8Array(0), Uint8Array.of(0x92, 1, 0x93)]) {
      expect(() => decodeDeviceState(wrong)).toThrow(expect.objectContaining({ code: "corrupt" }));
    }
  });
});
