import type { Clock } from "#clock.ts";
import {
  QUICK_READ_MS_MAX,
  QUICK_REST_MS,
  QUICK_SLOW_MS_MAX,
  QUICK_STALL_MS_MAX,
} from "./limits.ts";

/**
 * Whether reads may hold up the loop: as long as they come from the page cache. What is slow waited
 * for the disk, if the system has read from it since; else for a turn of the processor.
 */
export class QuickPace {
  readonly #clock: Clock;
  readonly #inputs: () => number;
  #lastInputs = 0;
  #slowMs = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;

  /** The clock is a monotonic one; `inputs` counts what this process has had read from disks. */
  constructor(clock: Clock, inputs: () => number) {
    this.#clock = clock;
    this.#inputs = inputs;
    this.#lastInputs = inputs();
  }

  get allows(): boolean {
    return this.#clock.now() >= this.#restsUntil;
  }

  /** Does this read, and notes how long it took. */
  timed(read: () => number): number {
    const begun = this.#clock.now();
    const bytes = read();
    const now = this.#clock.now();
    if (now - begun > QUICK_READ_MS_MAX) this.#noteSlow(now, now - begun);
    return bytes;
  }

  /** What was slow is forgotten. To be called each second. */
  sweep(): void {
    this.#slowMs = 0;
    this.#lastInputs = this.#inputs();
  }

  #noteSlow(now: number, tookMs: number): void {
    const inputs = this.#inputs();
    const fromDisk = inputs > this.#lastInputs;
    this.#lastInputs = inputs;
    // Not every system counts what it reads.
    if (fromDisk || tookMs > QUICK_STALL_MS_MAX) this.#slowMs += tookMs;
    if (this.#slowMs > QUICK_SLOW_MS_MAX) this.#restsUntil = now + QUICK_REST_MS;
  }
}
