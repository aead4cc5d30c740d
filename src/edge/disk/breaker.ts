import type { Clock } from "#clock.ts";
import { DISK_FAILURES_MAX, DISK_REST_MS, DISK_REST_MS_MAX } from "./limits.ts";

/**
 * Leaves alone what keeps failing: after some failures in a row it rests, then lets one attempt
 * through, and rests longer if that fails too.
 */
export class Breaker {
  readonly #clock: Clock;
  #failures = 0;
  #restMs = DISK_REST_MS;
  #restsUntil = 0;

  /** The clock is a monotonic one. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether an attempt would be refused. */
  get refuses(): boolean {
    return this.#failures >= DISK_FAILURES_MAX && this.#clock.now() < this.#restsUntil;
  }

  /** Whether to make an attempt. After a rest one may, and the next only if it went well. */
  allows(): boolean {
    if (this.#failures < DISK_FAILURES_MAX) return true;
    const now = this.#clock.now();
    if (now < this.#restsUntil) return false;
    this.#restsUntil = now + this.#restMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#restMs = DISK_REST_MS;
  }

  /** A failure of which several make a rest. */
  failed(): void {
    this.#failures += 1;
    if (this.#failures === DISK_FAILURES_MAX) this.#rest();
    else if (this.#failures > DISK_FAILURES_MAX) this.#restLonger();
  }

  /** A failure after which nothing else is to be expected. */
  trip(): void {
    if (this.#failures >= DISK_FAILURES_MAX) this.#restLonger();
    else {
      this.#failures = DISK_FAILURES_MAX;
      this.#rest();
    }
  }

  #rest(): void {
    this.#restsUntil = this.#clock.now() + this.#restMs;
  }

  #restLonger(): void {
    this.#restMs = Math.min(this.#restMs * 2, DISK_REST_MS_MAX);
    this.#rest();
  }
}
