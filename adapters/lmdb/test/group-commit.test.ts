import { isChatError } from "sentseen/ports";
import { describe, expect, test } from "vitest";
import { GroupCommit } from "../src/group-commit.js";

/** Commits that end when the test says so. */
function commits(deadlineMs = 60_000) {
  const flying: { batch: string[]; resolve(): void; reject(error: Error): void }[] = [];
  const group = new GroupCommit<string[]>({
    make: () => [],
    full: (batch) => batch.length >= 3,
    commit: (batch) => new Promise((resolve, reject) => flying.push({ batch, resolve, reject })),
    deadlineMs,
  });
  const add = (item: string) => {
    const { batch, done } = group.open();
    batch.push(item);
    return done;
  };
  return { group, flying, add };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const outcome = (promise: Promise<void>) =>
  promise.then(
    () => "done",
    (error: Error) => error.message,
  );

describe("commits in groups", () => {
  test("one is under way at a time, and what comes meanwhile shares the next", async () => {
    const { flying, add } = commits();
    const [a, b] = [add("a"), add("b")];
    expect(a).toBe(b);
    expect(flying).toEqual([]);
    await turn();
    expect(flying.map(({ batch }) => batch)).toEqual([["a", "b"]]);
    const rest = ["c", "d", "e", "f"].map(add);
    await turn();
    expect(flying).toHaveLength(1);
    flying[0]?.resolve();
    await a;
    expect(flying.map(({ batch }) => batch).slice(1), "no more than three to a batch").toEqual([["c", "d", "e"]]);
    flying[1]?.resolve();
    await rest[0];
    flying[2]?.resolve();
    await Promise.all(rest);
    expect(flying[2]?.batch).toEqual(["f"]);
  });

  test("when one fails, what was asked for behind it fails too, and what is asked for later does not", async () => {
    const { flying, add } = commits();
    const first = add("a");
    await turn();
    const behind = ["b", "c", "d", "e"].map(add);
    flying[0]?.reject(new Error("disk full"));
    expect(await Promise.all([first, ...behind].map(outcome))).toEqual(Array(5).fill("disk full"));
    const later = add("f");
    await turn();
    flying[1]?.resolve();
    expect(await outcome(later)).toBe("done");
    expect(flying.map(({ batch }) => batch)).toEqual([["a"], ["f"]]);
  });

  test("one that doesn't end in time has failed, nothing is taken in until it has ended, and then all goes on", async () => {
    const { flying, add, group } = commits(20);
    const first = add("a");
    await turn();
    const second = add("b");
    for (const promise of [first, second]) {
      expect(await outcome(promise)).toMatch(/did not end within 20 ms/);
    }
    let refused: unknown;
    try {
      add("c");
    } catch (error) {
      refused = error;
    }
    expect(isChatError(refused) && refused.code).toBe("store_unavailable");
    flying[0]?.resolve();
    await group.idle();
    const later = add("d");
    await turn();
    flying[1]?.resolve();
    expect(await outcome(later)).toBe("done");
  });
});
