import type { Clock } from "#clock.ts";
import {
  QUICK_HANG_MS_MAX,
  QUICK_INPUTS_MAX,
  QUICK_READ_MS_MAX,
  QUICK_REST_MS,
  QUICK_SLOW_MS_MAX,
  QUICK_STALL_MS_MAX,
  QUICK_STALL_REST_MS,
} from "./limits.ts";

/** What the system counts of this process. */
export interface SystemCounts {
  /** What it has had read from disks. */
  readonly inputs: () => number;
  /** Turns of the processor that were taken from it. */
  readonly preemptions: () => number;
}

/**
 * Whether reads may hold up the loop: as long as they come from the page cache. What is slow waited
 * for the disk, if the system has read from it since; else for a turn of the processor, if one was
 * taken from it.
 */
export class QuickPace {
  readonly #clock: Clock;
  readonly #counts: SystemCounts;
  #lastInputs: number;
  #lastPreemptions: number;
  #sweptInputs: number;
  /** Whether the second before this one had little read from disks. */
  #isCached = true;
  #slowMs = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;

  /** The clock is a monotonic one. */
  constructor(clock: Clock, counts: SystemCounts) {
    this.#clock = clock;
    this.#counts = counts;
    this.#lastInputs = counts.inputs();
    this.#lastPreemptions = counts.preemptions();
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
    this.#lastInputs = this.#counts.inputs();
    this.#lastPreemptions = this.#counts.preemptions();
    this.#isCached = this.#lastInputs - this.#sweptInputs <= QUICK_INPUTS_MAX;
    this.#sweptInputs = this.#lastInputs;
  }

  #noteSlow(now: number, tookMs: number): void {
    const inputs = this.#counts.inputs();
    const preemptions = this.#counts.preemptions();
    const fromDisk = inputs > this.#lastInputs;
    const isPreempted = preemptions > this.#lastPreemptions;
    this.#lastInputs = inputs;
    this.#lastPreemptions = preemptions;
    // Not every system counts what it reads.
    const isStall = tookMs > (isPreempted ? QUICK_HANG_MS_MAX : QUICK_STALL_MS_MAX);
    if (fromDisk || isStall) this.#slowMs += tookMs;
    if (this.#slowMs <= QUICK_SLOW_MS_MAX) return;
    this.#restsUntil = now + (fromDisk ? QUICK_REST_MS : QUICK_STALL_REST_MS);
  }
}
