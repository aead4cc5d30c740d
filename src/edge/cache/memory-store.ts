import { STORED_BODY_BYTES_MAX, STORED_BODY_SHARE_MAX, STORED_OVERHEAD_BYTES } from "../limits.ts";
import { Arena } from "./arena.ts";
import { EvictionPolicy, keyHash } from "./eviction-policy.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { headBytes, type StoredResponse } from "./stored-response.ts";

/** One segment of the arena is slack at most: half a percent of the usual memory. */
const SEGMENT_BYTES_MAX = 1024 * 1024;
const SEGMENT_SHARE = 1 / 256;

/** Blocks of 16 KiB leave no more than a sixteenth of its end empty. */
const SEGMENT_BYTES_MIN = 256 * 1024;

/** Their heads are on V8's heap, which has room for 4 GiB: with common heads these take the half of it. */
const RESPONSES_MAX = 2_000_000;

/** What a store tells of itself. */
export interface MemoryStoreStats {
  readonly objects: number;
  /** What they take in all, heads and bookkeeping included. */
  readonly bytes: number;
  /** Since the store was made. */
  readonly evictions: number;
  /** Objects that were evicted and are still remembered. */
  readonly ghosts: number;
}

/**
 * The memory tier: bounded by bytes; what goes first is `EvictionPolicy`'s to say. Each operation is
 * O(1). What is evicted while it is read stays readable, and counted, until its last reader is done.
 */
export class MemoryStore {
  readonly #budget: MemoryBudget;
  readonly #sizeMax: number;
  readonly #arena: Arena;
  readonly #policy = new EvictionPolicy();
  /** The policy's handles, by key, in the order in which they were stored. */
  readonly #handles = new Map<string, number>();
  readonly #stored: (StoredResponse | undefined)[] = [undefined];
  #evictions = 0;

  constructor(budget: MemoryBudget, sizeMax = RESPONSES_MAX) {
    this.#budget = budget;
    this.#sizeMax = sizeMax;
    this.#arena = new Arena(segmentBytes(budget.bytesMax));
    budget.evictWith(() => this.#evictOne());
  }

  /** The largest body that is stored. */
  get bodyBytesMax(): number {
    return Math.min(STORED_BODY_BYTES_MAX, this.#budget.bytesMax * STORED_BODY_SHARE_MAX);
  }

  get size(): number {
    return this.#handles.size;
  }

  stats(): MemoryStoreStats {
    const { bytes, ghosts } = this.#policy;
    return { objects: this.size, bytes, evictions: this.#evictions, ghosts };
  }

  /** All that is stored, the oldest first. It may change meanwhile: what is new comes last. */
  *entries(): Generator<StoredResponse, void, undefined> {
    for (const handle of this.#handles.values()) {
      const stored = this.#stored[handle];
      if (stored !== undefined) yield stored;
    }
  }

  /** Finds a stored response, which counts as a use of it. */
  get(key: string): StoredResponse | undefined {
    const handle = this.#handles.get(key);
    if (handle === undefined) return undefined;
    this.#policy.touch(handle);
    return this.#stored[handle];
  }

  /** The same, but nobody uses it. */
  peek(key: string): StoredResponse | undefined {
    const handle = this.#handles.get(key);
    return handle === undefined ? undefined : this.#stored[handle];
  }

  /** Stores in place of what has the same key. What does not fit is not stored. */
  put(stored: StoredResponse): void {
    // Held before anything is evicted or replaced: a freshened response shares its body.
    stored.body.holdInStore(this.#arena);
    const chargedBytes = chargedHeadBytes(stored);
    if (!this.#budget.tryCharge(chargedBytes, "store")) {
      stored.body.releaseFromStore();
      this.delete(stored.key);
      return;
    }
    const bytes = chargedBytes + stored.body.keptBytes;
    // Looked for only now: it may have made room itself.
    const handle = this.#handles.get(stored.key);
    if (handle === undefined) {
      if (this.size >= this.#sizeMax) this.#evictOne();
      this.#enter(stored, this.#policy.add(keyHash(stored.key), bytes));
    } else {
      // It keeps its place among the others: what is confirmed by the origin is not new.
      this.#leave(handle);
      this.#policy.resize(handle, bytes);
      this.#enter(stored, handle);
    }
  }

  /** Drops this very response, and not what has taken its place. */
  drop(stored: StoredResponse): void {
    const handle = this.#handles.get(stored.key);
    if (handle !== undefined && this.#stored[handle] === stored) this.delete(stored.key);
  }

  delete(key: string): void {
    const handle = this.#handles.get(key);
    if (handle === undefined) return;
    this.#policy.remove(handle);
    this.#leave(handle);
  }

  #evictOne(): boolean {
    const handle = this.#policy.evict();
    if (handle === undefined) return false;
    this.#evictions += 1;
    this.#leave(handle);
    return true;
  }

  #enter(stored: StoredResponse, handle: number): void {
    this.#stored[handle] = stored;
    this.#handles.set(stored.key, handle);
  }

  /** Gives back what a response takes whose handle is free, or goes on to another. */
  #leave(handle: number): void {
    const stored = this.#stored[handle];
    if (stored === undefined) return;
    this.#stored[handle] = undefined;
    this.#handles.delete(stored.key);
    this.#budget.release(chargedHeadBytes(stored), "store");
    stored.body.releaseFromStore();
  }
}

/** What a stored response takes beside its body. Its head never changes, so that this need not be kept. */
function chargedHeadBytes(stored: StoredResponse): number {
  return headBytes(stored) + STORED_OVERHEAD_BYTES;
}

function segmentBytes(bytesMax: number): number {
  const share = 2 ** Math.floor(Math.log2(bytesMax * SEGMENT_SHARE));
  return Math.min(Math.max(share, SEGMENT_BYTES_MIN), SEGMENT_BYTES_MAX);
}
