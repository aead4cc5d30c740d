import { SLAB_BYTES, SPARE_SLABS_MAX } from "../limits.ts";

/** Memory that replies are put together in; it is used again once the kernel has what is in it. */
export interface Slab {
  readonly bytes: Buffer;
  used: number;
  /** Batches that are put together in it or wait to be written. */
  pending: number;
  /** To be called when one of them is done. Made once: a hit makes no closure. */
  readonly written: () => void;
}

/**
 * Where the connections of a worker put together what they write. A reply that the kernel takes at
 * once, as nearly all are, gives its place back at once: the next one is written over it, in memory
 * that the processor still has at hand. What has to wait keeps its place.
 */
export class Slabs {
  #current: Slab = this.#newSlab();
  readonly #spare: Slab[] = [];

  /** The slab that is being filled; it has room for `bytes`, of which `SLAB_BYTES` is the most. */
  withRoom(bytes: number): Slab {
    if (this.#current.used + bytes > SLAB_BYTES) {
      this.#retire(this.#current);
      this.#current = this.#spare.pop() ?? this.#newSlab();
    }
    return this.#current;
  }

  #written(slab: Slab): void {
    slab.pending -= 1;
    if (slab.pending > 0) return;
    if (slab === this.#current) slab.used = 0;
    else this.#retire(slab);
  }

  #retire(slab: Slab): void {
    if (slab.pending > 0 || this.#spare.length >= SPARE_SLABS_MAX) return;
    slab.used = 0;
    this.#spare.push(slab);
  }

  #newSlab(): Slab {
    const slab: Slab = {
      bytes: Buffer.allocUnsafeSlow(SLAB_BYTES),
      used: 0,
      pending: 0,
      written: () => this.#written(slab),
    };
    return slab;
  }
}
