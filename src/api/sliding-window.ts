/**
 * An exact sliding log (CONTRACT §1.3): each unit counts for one window from its own time. What
 * comes in the same millisecond is one entry, so that memory is bounded by the limit and by the
 * window's milliseconds, whichever is less, and grows only with use.
 */
export class SlidingWindow {
  readonly limit: number;
  readonly #windowMs: number;
  #times = new Float64Array(8);
  #counts = new Float64Array(8);
  #head = 0;
  #entries = 0;
  #total = 0;

  constructor(limit: number, windowMs: number) {
    this.limit = limit;
    this.#windowMs = windowMs;
  }

  remaining(now: number): number {
    this.#expire(now);
    return Math.max(0, this.limit - this.#total);
  }

  /** When the oldest counted unit stops counting; a window away when nothing is counted. */
  resetAt(now: number): number {
    this.#expire(now);
    return (this.#entries === 0 ? now : (this.#times[this.#head] ?? now)) + this.#windowMs;
  }

  /** Milliseconds until `units` fit; 0 when they do now; a whole window when they never will. */
  waitMs(now: number, units: number): number {
    this.#expire(now);
    let total = this.#total;
    for (let index = 0; total + units > this.limit; index += 1) {
      if (index === this.#entries) return this.#windowMs;
      const slot = (this.#head + index) % this.#times.length;
      total -= this.#counts[slot] ?? 0;
      if (total + units <= this.limit) return (this.#times[slot] ?? now) + this.#windowMs - now;
    }
    return 0;
  }

  take(now: number, units: number): void {
    this.#expire(now);
    this.#total += units;
    const last = (this.#head + this.#entries - 1) % this.#times.length;
    // A clock that was set back must not make an entry older than the one before it.
    if (this.#entries > 0 && (this.#times[last] ?? 0) >= now) {
      this.#counts[last] = (this.#counts[last] ?? 0) + units;
      return;
    }
    if (this.#entries === this.#times.length) this.#grow();
    const slot = (this.#head + this.#entries) % this.#times.length;
    this.#times[slot] = now;
    this.#counts[slot] = units;
    this.#entries += 1;
  }

  #expire(now: number): void {
    while (this.#entries > 0 && (this.#times[this.#head] ?? 0) + this.#windowMs <= now) {
      this.#total -= this.#counts[this.#head] ?? 0;
      this.#head = (this.#head + 1) % this.#times.length;
      this.#entries -= 1;
    }
  }

  #grow(): void {
    const length = this.#times.length;
    const times = new Float64Array(length * 2);
    const counts = new Float64Array(length * 2);
    for (let index = 0; index < this.#entries; index += 1) {
      const slot = (this.#head + index) % length;
      times[index] = this.#times[slot] ?? 0;
      counts[index] = this.#counts[slot] ?? 0;
    }
    this.#times = times;
    this.#counts = counts;
    this.#head = 0;
  }
}
