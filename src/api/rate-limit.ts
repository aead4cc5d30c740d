import type { Clock } from "#clock.ts";
import { RATE_LIMITED_CALLERS_MAX } from "#limits.ts";
import { Problem } from "#problem.ts";
import { SlidingWindow } from "./sliding-window.ts";

/** What the operator set, in units per window (CONTRACT §1.3). */
export interface RateLimits {
  readonly enforced: boolean;
  readonly hour: number;
  readonly minute: number;
  readonly cdn: number;
  readonly purgeFiles: number;
}

export type LimiterName = "hour" | "minute" | "cdn" | "purgeFiles";

interface Limiter {
  readonly windowMs: number;
  readonly what: string;
  readonly variable: string;
}

/** Each limiter: its window, what it counts, and the variable that raises it. */
const LIMITERS: Readonly<Record<LimiterName, Limiter>> = {
  hour: { windowMs: 3_600_000, what: "requests an hour", variable: "ATOLL_RATE_LIMIT_HOUR" },
  minute: { windowMs: 60_000, what: "requests a minute", variable: "ATOLL_RATE_LIMIT_MINUTE" },
  cdn: { windowMs: 10_000, what: "CDN requests in 10 seconds", variable: "ATOLL_RATE_LIMIT_CDN" },
  purgeFiles: {
    windowMs: 20_000,
    what: "purged files in 20 seconds",
    variable: "ATOLL_RATE_LIMIT_PURGE_FILES",
  },
};

/** The state that `ratelimit-*` fields show. */
export interface WindowState {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds since the epoch. */
  readonly resetAt: number;
}

/** CONTRACT §1.3, in whole seconds since the epoch. */
export function rateLimitFields(window: WindowState): Record<string, string> {
  return {
    "ratelimit-limit": String(window.limit),
    "ratelimit-remaining": String(window.remaining),
    "ratelimit-reset": String(Math.ceil(window.resetAt / 1_000)),
  };
}

type Windows = Readonly<Record<LimiterName, SlidingWindow>>;

/**
 * Counts requests per caller. Lives in memory: a restart forgives. A refused request counts in no
 * window, so that a client which keeps asking does get through.
 */
export class RateLimiter {
  readonly #limits: RateLimits;
  readonly #clock: Clock;
  /** In order of use, the idlest first. */
  readonly #callers = new Map<string, Windows>();

  constructor(limits: RateLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The hourly window of a caller that nothing is known of. */
  fullWindow(): WindowState {
    const limit = this.#limits.hour;
    return { limit, remaining: limit, resetAt: this.#clock.now() + LIMITERS.hour.windowMs };
  }

  /**
   * Counts units against every named limiter, or against none of them, and says how the caller's
   * hourly window stands, which is what replies show (CONTRACT §1.3).
   * @throws Problem("too_many_requests") with the fields that show the limiter which refused
   */
  take(caller: string, names: readonly LimiterName[], units = 1): WindowState {
    if (!this.#limits.enforced) return this.fullWindow();
    const now = this.#clock.now();
    const windows = this.#windowsOf(caller);
    for (const name of names) {
      const waitMs = windows[name].waitMs(now, units);
      if (waitMs > 0) throw refusal(name, windows[name], waitMs, now);
    }
    for (const name of names) windows[name].take(now, units);
    return stateOf(windows.hour, now);
  }

  #windowsOf(caller: string): Windows {
    const windows = this.#callers.get(caller) ?? this.#newWindows();
    this.#callers.delete(caller);
    this.#callers.set(caller, windows);
    if (this.#callers.size > RATE_LIMITED_CALLERS_MAX) {
      const idlest = this.#callers.keys().next();
      if (!idlest.done) this.#callers.delete(idlest.value);
    }
    return windows;
  }

  #newWindows(): Windows {
    const of = (name: LimiterName) =>
      new SlidingWindow(this.#limits[name], LIMITERS[name].windowMs);
    return {
      hour: of("hour"),
      minute: of("minute"),
      cdn: of("cdn"),
      purgeFiles: of("purgeFiles"),
    };
  }
}

function stateOf(window: SlidingWindow, now: number): WindowState {
  return {
    limit: window.limit,
    remaining: window.remaining(now),
    resetAt: window.resetAt(now),
  };
}

function refusal(name: LimiterName, window: SlidingWindow, waitMs: number, now: number): Problem {
  const { what, variable } = LIMITERS[name];
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  const shown = { limit: window.limit, remaining: 0, resetAt: window.resetAt(now) };
  return new Problem(
    "too_many_requests",
    `API rate limit exceeded. ${window.limit} ${what} are allowed: retry in ${seconds} s. ` +
      `(To the operator: ${variable} raises this limit, ATOLL_RATE_LIMITS=off lifts them all.)`,
    { fields: { ...rateLimitFields(shown), "retry-after": String(seconds) } },
  );
}
