import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { FAILURE_LOG_ENDPOINTS_MAX, FAILURE_LOG_INTERVAL_MS } from "./limits.ts";
import type { OriginFailure } from "./origin/origin.ts";

/** Origin failures in the log: one line per endpoint, kind and interval, however many there were. */
export class FailureLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #last = new Map<string, { at: number; unlogged: number }>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `requestId` is of the request that met the failure: its client has it as X-Request-Id. */
  note(endpointId: string, requestId: string, failure: OriginFailure): void {
    const now = this.#clock.now();
    const kind = `${endpointId} ${failure.detail}`;
    const last = this.#last.get(kind);
    if (last !== undefined && now - last.at < FAILURE_LOG_INTERVAL_MS) {
      last.unlogged += 1;
      return;
    }
    if (this.#last.size >= FAILURE_LOG_ENDPOINTS_MAX) this.#last.clear();
    this.#last.set(kind, { at: now, unlogged: 0 });
    this.#log.warn(
      {
        endpoint_id: endpointId,
        request_id: requestId,
        status: failure.status,
        detail: failure.detail,
        reason: failure.reason,
        failures_unlogged: last?.unlogged ?? 0,
        err: failure.cause,
      },
      "origin fetch failed",
    );
  }
}
