import { PIECE_BYTES_MAX, READ_BLOCK_BYTES } from "./limits.ts";

/**
 * Memory for what is read from disk: small pieces are cut from blocks, since memory of its own for
 * each costs more than to read it. A block goes when none of its pieces is referred to; what is kept
 * for longer is copied (`ownedBytes`).
 */
export class ReadMemory {
  #block = Buffer.alloc(0);
  #used = 0;

  /** So many octets that nobody else has. */
  take(bytes: number): Buffer {
    if (bytes > PIECE_BYTES_MAX) return Buffer.allocUnsafeSlow(bytes);
    if (this.#used + bytes > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(READ_BLOCK_BYTES);
      this.#used = 0;
    }
    const piece = this.#block.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    return piece;
  }
}
