import type { ClientStore, ConversationRow, OutboxRow, StoredMessage, StoreStep } from "../../src/client/index.js";

const CONVERSATION = "55d468a1-e579-52e3-b9fc-3a160bea4d5e";
const OTHER = "55d468a1-e579-52e3-b9fc-3a160bea4d5f";
const DEVICE = "01a210ee-ad33-7072-9e1b-a59000d5a207";

const META = { step: 1, device: DEVICE, order: 1, rebuild: "no" } as const;

/** A step that does nothing but what is given. */
export function step(given: Partial<StoreStep>): StoreStep {
  return {
    meta: META,
    queued: [],
    answered: [],
    conversations: [],
    forgotten: [],
    entries: [],
    records: new Map(),
    ...given,
  };
}

export function entry(seq: number, text = String(seq), conversation = CONVERSATION): StoredMessage {
  return {
    type: "message",
    conversation,
    seq,
    id: `01a210ee-ad33-7072-9e1b-${String(seq).padStart(12, "0")}`,
    sender: "bob",
    sender_device: DEVICE,
    timestamp: 1_000 + seq,
    content_type: "text",
    content: new TextEncoder().encode(text),
  };
}

function row(order: number): OutboxRow {
  const id = `01a210ee-ad33-7072-9e1b-${String(order).padStart(12, "0")}`;
  const content = Uint8Array.of(order % 256);
  const frame = { type: "send", id, conversation: CONVERSATION, content_type: "text", content } as const;
  return { order, id, conversation: CONVERSATION, created_at: 1, frame };
}

function conversation(id: string, name: string): ConversationRow {
  const nothing = { delivered: 0, read: 0 };
  return {
    conversation: id,
    kind: "group",
    name,
    head: 3,
    timestamp: 5,
    seen: 2,
    early: [3],
    came: 2,
    read: 1,
    kept: nothing,
    unread: 1,
    own: 0,
    reached: nothing,
    version: 1,
    left: false,
    members: new Map([["__proto__", { role: "owner", joined: 1 }]]),
    marks: new Map([["bob", { delivered: 2, read: 1 }]]),
  };
}

interface Expectation {
  toEqual(value: unknown): void;
}

type Expect = (value: unknown) => Expectation;

export interface StoreContractOptions {
  /** Whether what was written is there for another store of the same name. */
  readonly durable: boolean;
}

/**
 * What every client store must do. `make` answers stores: each call of what it answers makes another one of the same
 * place, as after a restart.
 */
export function storeContract(
  test: (name: string, run: () => Promise<void>) => void,
  expect: Expect,
  make: () => Promise<() => ClientStore>,
  options: StoreContractOptions,
): void {
  const contract = (name: string, run: (store: ClientStore, reopen: () => ClientStore) => Promise<void>): void =>
    test(name, async () => {
      const place = await make();
      const store = place();
      await run(store, options.durable ? place : () => store);
    });

  contract("a store that is new is empty", async (store) => {
    expect(await store.open()).toEqual({ outbox: [], conversations: [] });
    expect(await store.entries(range({}))).toEqual([]);
    expect(await store.record("x")).toEqual(undefined);
    await store.close();
  });

  contract("everything is there after it was closed and opened again", async (store, reopen) => {
    await store.open();
    const meta = { step: 7, device: DEVICE, user: "alice", position: 2 ** 52, order: 3, rebuild: "no" } as const;
    const records = new Map<string, unknown>([["keys", { counter: 1, bytes: Uint8Array.of(1, 2, 3) }]]);
    const conversations = [conversation(CONVERSATION, "one")];
    await store.write(step({ meta, records, conversations, queued: [row(1), row(2)], entries: [entry(1), entry(2)] }));
    await store.close();
    const again = reopen();
    expect(await again.open()).toEqual({ meta, outbox: [row(1), row(2)], conversations });
    expect(await again.entries(range({}))).toEqual([entry(1), entry(2)]);
    expect(await again.record("keys")).toEqual(records.get("keys"));
    await again.close();
  });

  contract("commands come back in the order of sending, without those that were answered", async (store, reopen) => {
    await store.open();
    await store.write(step({ queued: [row(8), row(9), row(10), row(300)] }));
    await store.write(step({ answered: [9], queued: [row(1_000)] }));
    await store.close();
    const again = reopen();
    const { outbox } = await again.open();
    expect(outbox.map(({ order }) => order)).toEqual([8, 10, 300, 1_000]);
    await again.close();
  });

  contract("a row, an entry and a record replace what was there", async (store) => {
    await store.open();
    await store.write(step({ conversations: [conversation(CONVERSATION, "old")], entries: [entry(1, "old")] }));
    await store.write(step({ records: new Map([["x", 1]]) }));
    await store.write(step({ conversations: [conversation(CONVERSATION, "new")], entries: [entry(1, "new")] }));
    await store.write(step({ records: new Map([["x", undefined]]) }));
    expect(await store.entries(range({}))).toEqual([entry(1, "new")]);
    expect(await store.record("x")).toEqual(undefined);
    await store.close();
    const { conversations } = await store.open();
    expect(conversations).toEqual([conversation(CONVERSATION, "new")]);
    await store.close();
  });

  contract("entries are read from either end, between bounds that are not part of it, ascending", async (store) => {
    await store.open();
    const seqs = [1, 2, 3, 5, 8, 9, 1_000, 1_001];
    // Whatever order they came in.
    for (const seq of [...seqs].reverse()) await store.write(step({ entries: [entry(seq), entry(seq, "x", OTHER)] }));
    const read = async (bounds: Partial<Parameters<ClientStore["entries"]>[0]>) =>
      (await store.entries(range(bounds))).map(({ seq }) => seq);
    expect(await read({})).toEqual(seqs);
    expect(await read({ limit: 3 })).toEqual([1, 2, 3]);
    expect(await read({ limit: 3, last: true })).toEqual([9, 1_000, 1_001]);
    expect(await read({ after: 2, before: 9, limit: 2 })).toEqual([3, 5]);
    expect(await read({ after: 2, before: 9, limit: 2, last: true })).toEqual([5, 8]);
    expect(await read({ after: 3, before: 5 })).toEqual([]);
    expect(await read({ after: 5, before: 6 })).toEqual([]);
    expect(await read({ after: 1_001 })).toEqual([]);
    expect(await read({ before: 1, last: true })).toEqual([]);
    expect(await read({ conversation: DEVICE })).toEqual([]);
    await store.close();
  });

  contract("forgetting a conversation's entries comes before the entries of the same step", async (store, reopen) => {
    await store.open();
    await store.write(step({ entries: [entry(1), entry(2), entry(1, "kept", OTHER)] }));
    await store.write(step({ forgotten: [CONVERSATION], entries: [entry(1, "new life")] }));
    expect(await store.entries(range({}))).toEqual([entry(1, "new life")]);
    await store.close();
    const again = reopen();
    await again.open();
    expect(await again.entries(range({}))).toEqual([entry(1, "new life")]);
    expect(await again.entries(range({ conversation: OTHER }))).toEqual([entry(1, "kept", OTHER)]);
    await again.close();
  });

  contract("a store that is open can't be opened again until it is closed", async (store, reopen) => {
    await store.open();
    const again = reopen();
    expect(await codeOf(again.open())).toEqual("in_use");
    await store.close();
    await store.close();
    await again.open();
    await again.close();
  });

  contract("a store that is closed takes nothing", async (store) => {
    await store.open();
    await store.close();
    expect(await codeOf(store.write(step({ entries: [entry(1)] })))).toEqual("store_unavailable");
  });

  contract("the bytes that come back are the bytes that were given", async (store, reopen) => {
    await store.open();
    const content = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31) % 256);
    await store.write(step({ entries: [{ ...entry(1), content, envelope: content.slice(0, 7) }] }));
    await store.close();
    const again = reopen();
    await again.open();
    const [found] = (await again.entries(range({}))) as StoredMessage[];
    expect([...(found?.content ?? [])]).toEqual([...content]);
    expect([...(found?.envelope ?? [])]).toEqual([...content.slice(0, 7)]);
    await again.close();
  });
}

function range(given: Partial<Parameters<ClientStore["entries"]>[0]>): Parameters<ClientStore["entries"]>[0] {
  return { conversation: CONVERSATION, after: 0, before: Number.MAX_SAFE_INTEGER, limit: 100, last: false, ...given };
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return "resolved";
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}
