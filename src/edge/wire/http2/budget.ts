/** How much of what costs a peer little and us much is let through: it is spent, and earned back. */
export class Budget {
  readonly #max: number;
  readonly #perSecond: number;
  #left: number;
  #refilledAt: number;

  constructor(max: number, perSecond: number, now: number) {
    this.#max = max;
    this.#perSecond = perSecond;
    this.#left = max;
    this.#refilledAt = now;
  }

  /** Answers whether there was one left. */
  spend(): boolean {
    this.#left -= 1;
    return this.#left >= 0;
  }

  earn(amount: number): void {
    this.#left = Math.min(this.#max, this.#left + amount);
  }

  refill(now: number): void {
    // A clock that was set back gives nothing, and takes nothing.
    this.earn((Math.max(0, now - this.#refilledAt) / 1_000) * this.#perSecond);
    this.#refilledAt = now;
  }
}
