import { INPUT_BYTES_MAX } from "../../limits.ts";

const NOTHING = Buffer.alloc(0);

/** Octets that came on a connection and have not been used. */
export class Input {
  #bytes: Buffer = NOTHING;

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
  }

  drop(bytes: number): void {
    this.#bytes = bytes === this.#bytes.length ? NOTHING : this.#bytes.subarray(bytes);
  }

  clear(): void {
    this.#bytes = NOTHING;
  }
}
