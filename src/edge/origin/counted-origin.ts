import type { Clock } from "#clock.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import type { CacheCounters } from "#usage/cache-counters.ts";
import type { Origin, OriginFailure, OriginRequest, OriginResponse } from "./origin.ts";
import type { Outlook } from "./origin-health.ts";

/** Any origin, its fetches counted. */
export class CountedOrigin implements Origin {
  readonly #origin: Origin;
  readonly #counters: CacheCounters;
  readonly #stopwatch: Clock;

  /** The stopwatch is a monotonic clock. */
  constructor(origin: Origin, counters: CacheCounters, stopwatch: Clock) {
    this.#origin = origin;
    this.#counters = counters;
    this.#stopwatch = stopwatch;
  }

  get loopToken(): string {
    return this.#origin.loopToken;
  }

  async fetch(
    request: OriginRequest,
    signal: AbortSignal,
  ): Promise<OriginResponse | OriginFailure> {
    const startedAt = this.#stopwatch.now();
    const brokeOff = (failure: OriginFailure): void => {
      this.#counters.brokeOff();
      request.brokeOff?.(failure);
    };
    const answer = await this.#origin.fetch({ ...request, brokeOff }, signal);
    const tookMs = this.#stopwatch.now() - startedAt;
    if (answer.kind === "response") this.#counters.fetched(answer.status, tookMs);
    else this.#counters.fetchFailed(answer.detail, tookMs);
    return answer;
  }

  outlook(endpoint: EdgeEndpoint): Outlook {
    return this.#origin.outlook(endpoint);
  }

  close(): Promise<void> {
    return this.#origin.close();
  }
}
