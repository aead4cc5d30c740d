import { FLIGHT_SHARE_MAX, FLIGHT_SHARE_OF_SMALL_MAX, WINDOW_BYTES } from "../limits.ts";

/**
 * What bytes are held for. In flight are fills that grow and windows of what is passed through: a
 * share of the whole at most. The store gives up what it alone holds. What came whole and is still
 * being read goes when its readers do.
 */
export type HeldFor = "flight" | "store" | "readers";

/**
 * The bytes that bodies and heads hold in this worker, whoever holds them. What is not counted here
 * is not bounded.
 */
export class MemoryBudget {
  readonly bytesMax: number;
  readonly #held: Record<HeldFor, number> = { flight: 0, store: 0, readers: 0 };
  /** Gives up one stored response, and says whether there was one. */
  #evictOne: () => boolean = () => false;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get used(): number {
    return this.#held.flight + this.#held.store + this.#held.readers;
  }

  heldFor(purpose: HeldFor): number {
    return this.#held[purpose];
  }

  /** What a window may hold. Where memory is short, what has been read is all that makes room. */
  get windowBytes(): number {
    const flightMax = this.bytesMax * FLIGHT_SHARE_MAX;
    return this.#held.flight > flightMax || this.used > this.bytesMax ? 0 : WINDOW_BYTES;
  }

  /** The store makes room when a charge does not fit. */
  evictWith(evictOne: () => boolean): void {
    this.#evictOne = evictOne;
  }

  /** Counts these bytes, evicting as needed, or says that they do not fit: then all is as it was. */
  tryCharge(bytes: number, purpose: HeldFor, shareMax = 1): boolean {
    if (this.#held[purpose] + bytes > this.bytesMax * shareMax) return false;
    if (!this.#makeRoom(bytes)) return false;
    this.#held[purpose] += bytes;
    return true;
  }

  /**
   * Counts these bytes of a fill that has brought `sizeBytes` before, or says that they do not fit.
   * What a window would hold anyway is let in more easily than the rest of a large body.
   */
  tryRetain(bytes: number, sizeBytes: number): boolean {
    const isSmall = sizeBytes + bytes <= WINDOW_BYTES;
    return this.tryCharge(bytes, "flight", isSmall ? FLIGHT_SHARE_OF_SMALL_MAX : FLIGHT_SHARE_MAX);
  }

  /** Counts what is there whether it fits or not. */
  charge(bytes: number, purpose: HeldFor): void {
    this.#makeRoom(bytes);
    this.#held[purpose] += bytes;
  }

  /** The same bytes are held for something else from now on. */
  move(bytes: number, from: HeldFor, to: HeldFor): void {
    this.#held[from] -= bytes;
    this.#held[to] += bytes;
  }

  release(bytes: number, purpose: HeldFor): void {
    this.#held[purpose] -= bytes;
  }

  /** Evicts only if that will do: a store that was emptied for nothing helps nobody. */
  #makeRoom(bytes: number): boolean {
    if (this.used - this.#held.store + bytes > this.bytesMax) return false;
    while (this.used + bytes > this.bytesMax) {
      if (!this.#evictOne()) return false;
    }
    return true;
  }
}
