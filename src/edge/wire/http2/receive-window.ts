/** What the peer may still send, on one stream or on all of them together (RFC 9113 §5.2). */
export class ReceiveWindow {
  readonly #size: number;
  #left: number;
  /** Taken, and not given back yet. */
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  /** Whether the peer has room again only once something was taken. */
  get isShut(): boolean {
    return this.#left <= 0;
  }

  /** Counts flow-controlled octets, and answers whether they were within the window. */
  receive(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** Counts octets that were taken; answers the increment to send: 0 while it is below a half. */
  take(bytes: number): number {
    this.#taken += bytes;
    if (this.#taken < this.#size / 2) return 0;
    const increment = this.#taken;
    this.#left += increment;
    this.#taken = 0;
    return increment;
  }
}
