import type { Cache } from "./cache.ts";

/** The least recently used goes first. */
export class Lru implements Cache {
  readonly #bytesMax: number;
  /** In order of their last use. */
  readonly #objects = new Map<number, number>();
  /** Stands behind all that was evicted: to begin anew each time would pass over their holes. */
  readonly #oldest = this.#objects.entries();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#objects.size;
  }

  has(object: number): boolean {
    return this.#objects.has(object);
  }

  request(object: number, bytes: number): boolean {
    const isThere = this.#objects.delete(object);
    this.#objects.set(object, bytes);
    if (!isThere) this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) {
      const [evicted, freedBytes] = this.#oldest.next().value ?? [object, this.#bytes];
      this.#objects.delete(evicted);
      this.#bytes -= freedBytes;
    }
    return isThere;
  }
}

/** The same, for what was asked for before, not long ago. */
export class LruOfSecondRequests implements Cache {
  readonly #objects: Lru;
  readonly #asked = new Set<number>();
  readonly #oldest = this.#asked.values();

  constructor(bytesMax: number) {
    this.#objects = new Lru(bytesMax);
  }

  request(object: number, bytes: number): boolean {
    if (this.#objects.has(object) || this.#asked.delete(object)) {
      return this.#objects.request(object, bytes);
    }
    this.#asked.add(object);
    // As many as are stored, and some to begin with.
    while (this.#asked.size > this.#objects.size + 1_000) {
      const { value } = this.#oldest.next();
      if (value !== undefined) this.#asked.delete(value);
    }
    return false;
  }
}
