/**
 * The bytes that bodies and heads hold in this worker, whoever holds them: the store, a fill that
 * grows, or a slow reader of something that was evicted. What is not counted here is not bounded.
 */
export class MemoryBudget {
  readonly bytesMax: number;
  #used = 0;
  /** Gives up one stored response, and says whether there was one. */
  #evictOne: () => boolean = () => false;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get used(): number {
    return this.#used;
  }

  /** The store makes room when a charge does not fit. */
  evictWith(evictOne: () => boolean): void {
    this.#evictOne = evictOne;
  }

  /** Counts these bytes, evicting as needed, or counts nothing and says that they do not fit. */
  tryCharge(bytes: number): boolean {
    while (this.#used + bytes > this.bytesMax) {
      if (!this.#evictOne()) return false;
    }
    this.#used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}
