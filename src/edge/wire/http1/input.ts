import { INPUT_BYTES_MAX } from "../../limits.ts";

const NOTHING = Buffer.alloc(0);

/** Octets that came on a connection and have not been used. */
export class Input {
  #bytes: Buffer = NOTHING;
  #isLent = false;

  get bytes(): Buffer {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  /** A client that sends on while it is answered waits in its own buffers, not in ours. */
  get isFull(): boolean {
    return this.#bytes.length >= INPUT_BYTES_MAX;
  }

  append(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#isLent = false;
  }

  /** Octets in memory that will be written over: until `own` is called they are all there is. */
  borrow(octets: Buffer): void {
    if (this.#bytes.length > 0) return this.append(octets);
    this.#bytes = octets;
    this.#isLent = true;
  }

  /** What has not been used is copied. */
  own(): void {
    if (!this.#isLent) return;
    this.#isLent = false;
    if (this.#bytes.length > 0) this.#bytes = Buffer.from(this.#bytes);
  }

  drop(bytes: number): void {
    this.#bytes = bytes === this.#bytes.length ? NOTHING : this.#bytes.subarray(bytes);
  }

  clear(): void {
    this.#bytes = NOTHING;
  }
}
