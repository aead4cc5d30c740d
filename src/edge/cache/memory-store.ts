import { STORED_BODY_BYTES_MAX, STORED_BODY_SHARE_MAX, STORED_OVERHEAD_BYTES } from "../limits.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { headBytes, type StoredResponse } from "./stored-response.ts";

/** A stored response in its place between the one used before it and the one used after it. */
interface Slot {
  readonly stored: StoredResponse;
  readonly chargedBytes: number;
  newer: Slot | undefined;
  older: Slot | undefined;
}

/**
 * The memory tier: bounded by bytes, the least recently used goes first. Each operation is O(1).
 * What is evicted while it is read stays readable, and counted, until its last reader is done.
 */
export class MemoryStore {
  readonly #budget: MemoryBudget;
  readonly #slots = new Map<string, Slot>();
  #newest: Slot | undefined;
  #oldest: Slot | undefined;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
    budget.evictWith(() => this.#evictOldest());
  }

  /** The largest body that is stored. */
  get bodyBytesMax(): number {
    return Math.min(STORED_BODY_BYTES_MAX, this.#budget.bytesMax * STORED_BODY_SHARE_MAX);
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Finds a stored response and makes it the most recently used. */
  get(key: string): StoredResponse | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    if (slot !== this.#newest) {
      this.#unlink(slot);
      this.#linkNewest(slot);
    }
    return slot.stored;
  }

  /** Stores in place of what has the same key. What does not fit is not stored. */
  put(stored: StoredResponse): void {
    // Held before anything is evicted or replaced: a freshened response shares its body.
    stored.body.hold("store");
    this.delete(stored.key);
    const chargedBytes = headBytes(stored) + STORED_OVERHEAD_BYTES;
    if (!this.#budget.tryCharge(chargedBytes, "store")) {
      stored.body.release("store");
      return;
    }
    const slot: Slot = { stored, chargedBytes, newer: undefined, older: undefined };
    this.#slots.set(stored.key, slot);
    this.#linkNewest(slot);
  }

  /** Drops this very response, and not what has taken its place. */
  drop(stored: StoredResponse): void {
    const slot = this.#slots.get(stored.key);
    if (slot?.stored === stored) this.#remove(slot);
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined) this.#remove(slot);
  }

  #evictOldest(): boolean {
    if (this.#oldest === undefined) return false;
    this.#remove(this.#oldest);
    return true;
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.stored.key);
    this.#unlink(slot);
    this.#budget.release(slot.chargedBytes, "store");
    slot.stored.body.release("store");
  }

  #linkNewest(slot: Slot): void {
    slot.older = this.#newest;
    slot.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = slot;
    this.#newest = slot;
    this.#oldest ??= slot;
  }

  #unlink(slot: Slot): void {
    if (slot.newer === undefined) this.#newest = slot.older;
    else slot.newer.older = slot.older;
    if (slot.older === undefined) this.#oldest = slot.newer;
    else slot.older.newer = slot.newer;
  }
}
