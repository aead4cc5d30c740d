/** What a peer has to do in a time, or it is too slow. */
export interface PaceTerms {
  readonly bytesMin: number;
  readonly timeoutMs: number;
}

/** How fast a peer, while it is waited for, takes or brings what it should. */
export class Pace {
  readonly #terms: PaceTerms;
  #since: number | undefined;
  #bytesThen = 0;

  constructor(terms: PaceTerms) {
    this.#terms = terms;
  }

  /** It is waited for; `bytes` is what it has done in all. */
  wait(now: number, bytes: number): void {
    if (this.#since !== undefined && bytes - this.#bytesThen < this.#terms.bytesMin) return;
    this.#since = now;
    this.#bytesThen = bytes;
  }

  /** The same, if it was waited for before. */
  waitOn(now: number, bytes: number): void {
    if (this.#since !== undefined) this.wait(now, bytes);
  }

  /** It is not waited for any more. */
  rest(): void {
    this.#since = undefined;
  }

  isTooSlow(now: number): boolean {
    return this.#since !== undefined && now - this.#since >= this.#terms.timeoutMs;
  }
}
