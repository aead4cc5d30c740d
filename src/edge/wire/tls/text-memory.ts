/** Some thirty certificates: they go when the last of them does. */
const BLOCK_BYTES = 64 * 1024;

/**
 * Memory for texts that are kept for long and rarely read, outside V8's heap: what is alive there may
 * have several times its size beside it that is not, before V8 looks.
 */
export class TextMemory {
  #block = Buffer.alloc(0);
  #usedBytes = 0;

  /** A copy of this text of ASCII. */
  keep(text: string): Buffer {
    if (text.length > BLOCK_BYTES) return Buffer.from(text, "latin1");
    if (this.#usedBytes + text.length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#usedBytes = 0;
    }
    const copy = this.#block.subarray(this.#usedBytes, this.#usedBytes + text.length);
    copy.write(text, "latin1");
    this.#usedBytes += text.length;
    return copy;
  }
}
