import { ChatError } from "../errors.js";
import type { Uuid } from "../model/ids.js";
import { asChatError } from "./as-chat-error.js";
import { newId } from "./ids.js";
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

/** Work that was done, but whose step may not have landed. */
interface Done {
  readonly tx: Transaction;
  readonly resolve: (() => void)[];
  readonly reject: ((error: unknown) => void)[];
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
   * Does a piece of work in its turn; resolves with what it came to once the store has it. Work that fails after it has
   * changed something takes its step with it: all in it is rejected, as if it couldn't be written.
   */
  run<T>(run: (tx: Transaction) => T | Promise<T>): Promise<T>;
  /** Resolves when all work that was given before has landed or failed. */
  idle(): Promise<void>;
  /** Ends what was given before and closes the store. */
  close(): Promise<void>;
}

/**
 * Opens a store. One that is new gets a device's id: `device` where it is given. `onFailure` is told when a step
 * couldn't be made or written: what it held has been dropped.
 */
export async function openLedger(
  store: ClientStore,
  device: Uuid | undefined,
  onFailure: (error: ChatError) => void,
): Promise<Ledger> {
  const works: Work[] = [];
  let running: Promise<void> | undefined;
  let closed = false;
  let doubtful: Done | undefined;
  const state: LocalState = {
    meta: { device: device ?? newId(), order: 1, rebuild: "new", step: 0 },
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
    if (doubtful !== undefined && !(await recover(doubtful))) return;
    const tx = createTransaction(state, store);
    const done: Done = { tx, resolve: [], reject: [] };
    while (works.length > 0 && done.resolve.length < STEP_WORKS && tx.size() < STEP_BYTES) {
      const { run, resolve, reject } = works.shift() as Work;
      const { meta } = tx;
      const size = tx.size();
      try {
        const value = (await run(tx)) as never;
        done.resolve.push(() => resolve(value));
        done.reject.push(reject);
      } catch (cause) {
        if (tx.meta !== meta || tx.size() > size) return abandon(asChatError(cause, "store_unavailable"), done, reject);
        reject(cause);
      }
    }
    const step = tx.step();
    try {
      if (step !== null) await store.write(step);
    } catch (cause) {
      const error = asChatError(cause, "store_unavailable");
      doubtful = done;
      onFailure(error);
      await recover(done, error);
      return;
    }
    tx.land();
    await finish(done);
  }

  /** A step is half made, which nobody may ever see. */
  function abandon(error: ChatError, { reject }: Done, ...failed: Done["reject"]): void {
    onFailure(error);
    for (const refuse of [...reject, ...failed]) refuse(error);
  }

  /**
   * Whether a step that failed has landed all the same, only the store knows: it is opened anew. Answers whether that
   * could be done.
   */
  async function recover(done: Done, reason?: ChatError): Promise<boolean> {
    const { tx, reject } = done;
    try {
      await store.close();
      fill(state, await store.open());
    } catch (cause) {
      const error = reason ?? asChatError(cause, "store_unavailable");
      // Whoever came after would be refused as well.
      for (const refuse of [...reject.splice(0), ...works.splice(0).map((work) => work.reject)]) refuse(error);
      return false;
    }
    doubtful = undefined;
    if (state.meta.step === tx.meta.step) await finish(done);
    else for (const refuse of reject) refuse(reason);
    return true;
  }

  async function finish({ tx, resolve }: Done): Promise<void> {
    for (const accept of resolve) accept();
    await tx.tell().catch((cause: unknown) => onFailure(asChatError(cause, "store_unavailable")));
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
