import { ORIGIN_BODY_BYTES_MIN, ORIGIN_BODY_PACE_MS } from "../limits.ts";

/**
 * Whether a body trickles. Looked at as octets come, so that it costs no timer: that none come at all
 * is what idle timeouts are for.
 */
export class BodyPace {
  /** What is measured from: when, and what had come by then. */
  #since: number | undefined;
  #sinceBytes = 0;

  /** Time that passes until octets come again is ours, and not the origin's. */
  hold(): void {
    this.#since = undefined;
  }

  /** `bytes` is what has come in all. */
  isTooSlow(bytes: number, now: number): boolean {
    const since = this.#since ?? now;
    const came = bytes - this.#sinceBytes;
    const isOver = now - since >= ORIGIN_BODY_PACE_MS;
    if (isOver || this.#since === undefined) {
      this.#since = now;
      this.#sinceBytes = bytes;
    }
    return isOver && came < ORIGIN_BODY_BYTES_MIN;
  }
}
