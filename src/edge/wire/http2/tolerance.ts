import {
  HTTP2_CONTROLS_MAX,
  HTTP2_CONTROLS_PER_REPLY,
  HTTP2_CONTROLS_PER_SECOND,
  HTTP2_RESETS_MAX,
  HTTP2_RESETS_PER_SECOND,
  HTTP2_SENT_BYTES_PER_CONTROL,
} from "../../limits.ts";
import { Budget } from "./budget.ts";
import { type ConnectionError, connectionError, ErrorCode } from "./frames.ts";

/** What one peer may do that is allowed once and an attack a thousand times (RFC 9113 §10.5). */
export class Tolerance {
  readonly #controls: Budget;
  readonly #resets: Budget;

  constructor(now: number) {
    this.#controls = new Budget(HTTP2_CONTROLS_MAX, HTTP2_CONTROLS_PER_SECOND, now);
    this.#resets = new Budget(HTTP2_RESETS_MAX, HTTP2_RESETS_PER_SECOND, now);
  }

  /** It has sent a frame that costs it next to nothing. */
  control(): ConnectionError | undefined {
    if (this.#controls.spend()) return undefined;
    return connectionError(ErrorCode.enhanceYourCalm, "a flood of frames without content");
  }

  /** It has reset a stream, or made us do it. */
  reset(): ConnectionError | undefined {
    if (this.#resets.spend()) return undefined;
    return connectionError(ErrorCode.enhanceYourCalm, "a flood of resets");
  }

  /** Octets of content were sent to it. */
  sent(bytes: number): void {
    this.#controls.earn(bytes / HTTP2_SENT_BYTES_PER_CONTROL);
  }

  /** It has let a reply be sent whole. */
  answered(): void {
    this.#controls.earn(HTTP2_CONTROLS_PER_REPLY);
    this.#resets.earn(1);
  }

  refill(now: number): void {
    this.#controls.refill(now);
    this.#resets.refill(now);
  }
}
