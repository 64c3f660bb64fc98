import { expect, test } from "vitest";
import { RemoteFeed } from "../../src/cluster/remote-feed.js";
import { newId } from "../../src/model/ids.js";
import { turns } from "./client-fake-clock.js";

// A connection's place in a mailbox whose owner, another node, answers when the test lets it.

function feedOf() {
  const questions: ((head: number) => void)[] = [];
  const synced: number[] = [];
  const feed = new RemoteFeed({
    user: "bob",
    subscriber: {
      device: newId(),
      ready: true,
      deliver: () => {},
      synced: (position) => synced.push(position),
      beginAnew: () => {},
      failed: (error) => {
        throw error;
      },
    },
    storage: { mailbox: async () => [] },
    extent: () => new Promise((resolve) => questions.push((head) => resolve({ head, since: 0 }))),
    flushedTo: async (position) => position,
  });
  feed.begin({ after: 0, head: 0 });
  feed.start();
  return { feed, questions, synced };
}

test("while its owner is asked how far a mailbox goes, nobody is told that it ends where it did before", async () => {
  const { feed, questions, synced } = feedOf();
  await turns();
  expect(synced).toEqual([0]);
  feed.isAt();
  const ends = [feed.extent(), feed.extent()];
  feed.restart(0);
  await turns();
  expect(synced).toEqual([0]);
  for (const answer of questions.splice(0, 2)) answer(7);
  expect(await Promise.all(ends)).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
  await turns();
  for (const answer of questions) answer(7);
  await turns();
  expect(synced).toEqual([0, 7]);
  expect(await feed.extent()).toBe(7);
});
