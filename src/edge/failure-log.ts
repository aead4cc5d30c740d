import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { FAILURE_LOG_ENDPOINTS_MAX, FAILURE_LOG_INTERVAL_MS } from "./limits.ts";
import type { OriginFailure } from "./origin/origin.ts";

/** An origin that does not answer. */
interface Absence {
  readonly since: number;
  /** Whether it is not even asked any more. */
  isDown: boolean;
}

/**
 * Origin failures in the log: one line per endpoint, kind and interval, however many there were; and
 * one when an origin that was down is back.
 */
export class FailureLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #last = new Map<string, { at: number; unlogged: number }>();
  /** By endpoint: all that it has is at one origin. */
  readonly #absences = new Map<string, Absence>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `requestId` is of the request that met the failure: its client has it as X-Request-Id. */
  note(endpointId: string, requestId: string, failure: OriginFailure): void {
    const now = this.#clock.now();
    this.#noteAbsence(endpointId, failure, now);
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

  /** The endpoint's origin has answered, whatever it said. */
  answered(endpointId: string): void {
    // Nearly always all origins are there.
    if (this.#absences.size === 0) return;
    const absence = this.#absences.get(endpointId);
    if (absence === undefined) return;
    this.#absences.delete(endpointId);
    if (!absence.isDown) return;
    const awayMs = this.#clock.now() - absence.since;
    this.#log.info({ endpoint_id: endpointId, away_ms: awayMs }, "origin is back");
  }

  /** What breaks off or makes no sense has come from somewhere. */
  #noteAbsence(endpointId: string, { detail }: OriginFailure, now: number): void {
    const isDown = detail === "origin-down";
    if (!isDown && detail !== "origin-unreachable" && detail !== "origin-timeout") return;
    const known = this.#absences.get(endpointId);
    if (known !== undefined) {
      known.isDown ||= isDown;
      return;
    }
    if (this.#absences.size >= FAILURE_LOG_ENDPOINTS_MAX) this.#absences.clear();
    this.#absences.set(endpointId, { since: now, isDown });
  }
}
