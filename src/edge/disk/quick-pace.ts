import type { Clock } from "#clock.ts";
import {
  QUICK_INPUTS_MAX,
  QUICK_READ_MS_MAX,
  QUICK_REST_MS,
  QUICK_SLOW_MS_MAX,
  QUICK_STALL_MS_MAX,
  QUICK_STALL_REST_MS,
} from "./limits.ts";

/**
 * Whether reads may hold up the loop: as long as they come from the page cache. What is slow waited
 * for the disk, if the system has read from it since; else for a turn of the processor.
 */
export class QuickPace {
  readonly #clock: Clock;
  readonly #inputs: () => number;
  #lastInputs = 0;
  #sweptInputs = 0;
  /** Whether the second before this one had little read from disks. */
  #isCached = true;
  #slowMs = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;

  /** The clock is a monotonic one; `inputs` counts what this process has had read from disks. */
  constructor(clock: Clock, inputs: () => number) {
    this.#clock = clock;
    this.#inputs = inputs;
    this.#lastInputs = inputs();
    this.#sweptInputs = this.#lastInputs;
  }

  get allows(): boolean {
    return this.#clock.now() >= this.#restsUntil;
  }

  /**
   * Whether files that are not open may be looked for: nobody knows whether what leads to them is in
   * memory, but for what there was lately.
   */
  get allowsOpening(): boolean {
    return this.#isCached && this.allows;
  }

  /** Does this read, and notes how long it took. */
  timed<T>(read: () => T): T {
    const begun = this.#clock.now();
    const result = read();
    const now = this.#clock.now();
    if (now - begun > QUICK_READ_MS_MAX) this.#noteSlow(now, now - begun);
    return result;
  }

  /** What was slow is forgotten. To be called each second. */
  sweep(): void {
    this.#slowMs = 0;
    this.#lastInputs = this.#inputs();
    this.#isCached = this.#lastInputs - this.#sweptInputs <= QUICK_INPUTS_MAX;
    this.#sweptInputs = this.#lastInputs;
  }

  #noteSlow(now: number, tookMs: number): void {
    const inputs = this.#inputs();
    const fromDisk = inputs > this.#lastInputs;
    this.#lastInputs = inputs;
    // Not every system counts what it reads.
    if (fromDisk || tookMs > QUICK_STALL_MS_MAX) this.#slowMs += tookMs;
    if (this.#slowMs <= QUICK_SLOW_MS_MAX) return;
    this.#restsUntil = now + (fromDisk ? QUICK_REST_MS : QUICK_STALL_REST_MS);
  }
}
