import assert from "node:assert/strict";
import { Ghosts } from "./ghosts.ts";

/** Stands for no entry: handles begin at 1. */
const NONE = 0;
/** Uses of an entry that are counted: more say nothing about the next one. */
const USES_MAX = 3;
const ENTRIES_MIN = 1_024;

/** Of what is stored, as the paper has it; on our traces a twentieth or a fifth do about as well. */
const PROBATION_SHARE = 1 / 10;

/** What is as large as so many others has to be used on probation, even if it has come back. */
const LARGE_TIMES_MEAN = 4;

/** Entries that are passed over until one is evicted, used or not: they take a microsecond or two. */
const EVICTION_STEPS_MAX = 64;

/** Some 40 MiB of hashes: above it memory is better used for what is stored. */
const GHOSTS_MAX = 1_000_000;

/** A first in, first out queue, by its ends. */
interface Queue {
  oldest: number;
  newest: number;
  size: number;
  bytes: number;
}

/**
 * Which of the stored goes first: S3-FIFO (Yang et al., SOSP 2023), which looks at sizes too. What is
 * new waits on probation, in a tenth of the memory. Used there, it moves to the main queue; unused, it
 * is evicted, and its hash remembered: who comes back soon has proved itself. So what is asked for
 * once never drives out what is asked for often. A use only counts, and moves nothing.
 *
 * Entries are known by handles, small numbers that are used again once they are free.
 */
export class EvictionPolicy {
  readonly #probation: Queue = emptyQueue();
  readonly #main: Queue = emptyQueue();
  readonly #ghosts = new Ghosts();
  // A column for each that is known of an entry, with a place for each handle.
  #newer = new Uint32Array(ENTRIES_MIN);
  /** Of a handle that is free: the next free one. */
  #older = new Uint32Array(ENTRIES_MIN);
  #bytes = new Uint32Array(ENTRIES_MIN);
  #hashes = new Uint32Array(ENTRIES_MIN);
  #uses = new Uint8Array(ENTRIES_MIN);
  #isMain = new Uint8Array(ENTRIES_MIN);
  #freed = NONE;
  #handlesMax = NONE;

  get size(): number {
    return this.#probation.size + this.#main.size;
  }

  /** What all entries take. */
  get bytes(): number {
    return this.#probation.bytes + this.#main.bytes;
  }

  get ghosts(): number {
    return this.#ghosts.size;
  }

  /** Takes in an entry; `hash` is that of its key. */
  add(hash: number, bytes: number): number {
    const handle = this.#takeHandle();
    const isBack = this.#ghosts.take(hash);
    // One use more is asked of what takes the place of many.
    const isLarge = bytes > LARGE_TIMES_MEAN * this.#meanBytes;
    this.#bytes[handle] = bytes;
    this.#hashes[handle] = hash;
    this.#uses[handle] = 0;
    this.#isMain[handle] = isBack && !isLarge ? 1 : 0;
    this.#link(handle);
    return handle;
  }

  /** Counts a use. */
  touch(handle: number): void {
    const uses = this.#uses[handle] ?? USES_MAX;
    if (uses < USES_MAX) this.#uses[handle] = uses + 1;
  }

  /** What the entry takes has changed; its place has not. */
  resize(handle: number, bytes: number): void {
    this.#queueOf(handle).bytes += bytes - (this.#bytes[handle] ?? 0);
    this.#bytes[handle] = bytes;
  }

  /** Forgets an entry that is not evicted but gone, and frees its handle. */
  remove(handle: number): void {
    this.#unlink(handle);
    this.#older[handle] = this.#freed;
    this.#freed = handle;
  }

  /** Chooses the entry that goes, and forgets it; none if there is none. */
  evict(): number | undefined {
    for (let steps = 1; this.size > 0; steps += 1) {
      const isOnProbation =
        this.#main.size === 0 || this.#probation.bytes > PROBATION_SHARE * this.bytes;
      const handle = isOnProbation ? this.#probation.oldest : this.#main.oldest;
      const uses = this.#uses[handle] ?? 0;
      if (uses === 0 || steps >= EVICTION_STEPS_MAX) {
        this.remove(handle);
        if (isOnProbation) this.#remember(handle);
        return handle;
      }
      // A use pays for one more turn, and for as many others as it takes the place of.
      const price = Math.ceil((this.#bytes[handle] ?? 0) / this.#meanBytes);
      this.#unlink(handle);
      this.#uses[handle] = isOnProbation ? 0 : Math.max(0, uses - price);
      this.#isMain[handle] = 1;
      this.#link(handle);
    }
    return undefined;
  }

  get #meanBytes(): number {
    return this.bytes / this.size;
  }

  /** As many as there are entries: who comes back later than that is as good as new. */
  #remember(handle: number): void {
    this.#ghosts.add(this.#hashes[handle] ?? 0, Math.min(this.size, GHOSTS_MAX));
  }

  #queueOf(handle: number): Queue {
    return this.#isMain[handle] === 1 ? this.#main : this.#probation;
  }

  /** Puts it at the end of its queue. */
  #link(handle: number): void {
    const queue = this.#queueOf(handle);
    this.#older[handle] = queue.newest;
    this.#newer[handle] = NONE;
    if (queue.newest === NONE) queue.oldest = handle;
    else this.#newer[queue.newest] = handle;
    queue.newest = handle;
    queue.size += 1;
    queue.bytes += this.#bytes[handle] ?? 0;
  }

  #unlink(handle: number): void {
    const queue = this.#queueOf(handle);
    const newer = this.#newer[handle] ?? NONE;
    const older = this.#older[handle] ?? NONE;
    if (newer === NONE) queue.newest = older;
    else this.#older[newer] = older;
    if (older === NONE) queue.oldest = newer;
    else this.#newer[older] = newer;
    queue.size -= 1;
    queue.bytes -= this.#bytes[handle] ?? 0;
    assert(queue.size >= 0);
  }

  #takeHandle(): number {
    const freed = this.#freed;
    if (freed !== NONE) {
      this.#freed = this.#older[freed] ?? NONE;
      return freed;
    }
    this.#handlesMax += 1;
    if (this.#handlesMax >= this.#uses.length) this.#grow();
    return this.#handlesMax;
  }

  #grow(): void {
    const length = Math.ceil(this.#uses.length * 1.5);
    this.#newer = copied(this.#newer, new Uint32Array(length));
    this.#older = copied(this.#older, new Uint32Array(length));
    this.#bytes = copied(this.#bytes, new Uint32Array(length));
    this.#hashes = copied(this.#hashes, new Uint32Array(length));
    this.#uses = copied(this.#uses, new Uint8Array(length));
    this.#isMain = copied(this.#isMain, new Uint8Array(length));
  }
}

function emptyQueue(): Queue {
  return { oldest: NONE, newest: NONE, size: 0, bytes: 0 };
}

function copied<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** FNV-1a of the characters, 32 bits. */
export function keyHash(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
