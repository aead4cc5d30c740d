/**
 * What was evicted lately, by the hashes of their keys: a key takes five times as much. Two keys of
 * one hash are taken for each other, which spares an object its probation and does no other harm.
 */
export class Ghosts {
  /** As signed integers, which a set keeps as they are. In the order in which they came. */
  readonly #hashes = new Set<number>();
  /** Stands behind all that was forgotten: to begin anew each time would pass over its holes. */
  readonly #oldest = this.#hashes.values();

  get size(): number {
    return this.#hashes.size;
  }

  /** Remembers a hash, and forgets the oldest of more than `sizeMax`. */
  add(hash: number, sizeMax: number): void {
    this.#hashes.delete(hash | 0);
    this.#hashes.add(hash | 0);
    while (this.#hashes.size > sizeMax) {
      const { value } = this.#oldest.next();
      if (value !== undefined) this.#hashes.delete(value);
    }
  }

  /** Whether the hash is remembered; from here on it is not. */
  take(hash: number): boolean {
    return this.#hashes.delete(hash | 0);
  }
}
