import { ChatError } from "../errors.js";
import { newId, type Uuid } from "../model/ids.js";
import { asChatError } from "./as-chat-error.js";
import type { ClientStore, StoreContents } from "./stores/store.js";
import { addToOutbox, createTransaction, type LocalState, type Transaction } from "./transaction.js";

/** Pieces of work and bytes that one step of the store takes at most, so that no step takes long. */
const STEP_WORKS = 256;
const STEP_BYTES = 1_048_576;

interface Work {
  readonly run: (tx: Transaction) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The one line through which every change of the device's state goes: work is done in the order in which it was
 * given, gathered into steps, and nothing of a step is told to anyone before the store has it. So what the
 * application saw, what the server was told and what survives a crash can't differ.
 */
export interface Ledger {
  readonly store: ClientStore;
  readonly state: LocalState;
  /**
   * Does a piece of work in its turn; resolves with what it came to once the store has it. Work that fails must fail
   * before it changes anything.
   */
  run<T>(run: (tx: Transaction) => T | Promise<T>): Promise<T>;
  /** Resolves when all work that was given before has landed or failed. */
  idle(): Promise<void>;
  /** Ends what was given before and closes the store. */
  close(): Promise<void>;
}

/**
 * Opens a store. One that is new gets a device's id: `device` where it is given. `onFailure` is told when a step
 * couldn't be written: what it held has been dropped.
 */
export async function openLedger(
  store: ClientStore,
  device: Uuid | undefined,
  onFailure: (error: ChatError) => void,
): Promise<Ledger> {
  const works: Work[] = [];
  let running: Promise<void> | undefined;
  let closed = false;
  let failed = false;
  const state: LocalState = {
    meta: { device: device ?? newId(), order: 1, rebuild: "new" },
    outbox: new Map(),
    outboxBytes: 0,
    waiting: new Map(),
    conversations: new Map(),
  };
  const known = fill(state, await store.open());

  async function loop(): Promise<void> {
    // Whatever is given in the same turn goes into the same step.
    await Promise.resolve();
    while (works.length > 0) await next();
    running = undefined;
  }

  async function next(): Promise<void> {
    const tx = createTransaction(state, store);
    const done: (() => void)[] = [];
    const undone: ((error: unknown) => void)[] = [];
    try {
      if (failed) await recover();
      while (works.length > 0 && done.length < STEP_WORKS && tx.size() < STEP_BYTES) {
        const { run, resolve, reject } = works.shift() as Work;
        try {
          const value = (await run(tx)) as never;
          done.push(() => resolve(value));
          undone.push(reject);
        } catch (error) {
          reject(error);
        }
      }
      const step = tx.step();
      if (step !== null) await store.write(step);
    } catch (cause) {
      failed = true;
      const error = asChatError(cause, "store_unavailable");
      onFailure(error);
      // Whoever came after would be refused as well.
      for (const reject of [...undone, ...works.splice(0).map((work) => work.reject)]) reject(error);
      return;
    }
    tx.land();
    for (const resolve of done) resolve();
    try {
      await tx.tell();
    } catch (cause) {
      onFailure(asChatError(cause, "store_unavailable"));
    }
  }

  /** A step that failed may have landed all the same: only the store itself knows. */
  async function recover(): Promise<void> {
    await store.close();
    fill(state, await store.open());
    failed = false;
  }

  const ledger: Ledger = {
    store,
    state,
    run: <T>(run: (tx: Transaction) => T | Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        if (closed) return reject(new ChatError("closed"));
        works.push({ run, resolve, reject });
        running ??= loop();
      }),
    idle: async () => running,
    async close() {
      closed = true;
      await running;
      await store.close();
    },
  };
  try {
    if (!known) {
      await ledger.run((tx) => {
        tx.meta = { ...tx.meta };
      });
    } else if (device !== undefined && device !== state.meta.device) {
      throw new ChatError("incompatible", "The store is another device's.", { field: "device.id" });
    }
  } catch (error) {
    await ledger.close();
    throw error;
  }
  return ledger;
}

/** Takes over what a store holds; answers whether it was in use before. */
function fill(state: LocalState, { meta, outbox, conversations }: StoreContents): boolean {
  state.meta = meta ?? state.meta;
  state.outboxBytes = 0;
  for (const map of [state.outbox, state.waiting, state.conversations]) map.clear();
  for (const row of outbox) addToOutbox(state, row);
  for (const row of conversations) state.conversations.set(row.conversation, row);
  return meta !== undefined;
}
