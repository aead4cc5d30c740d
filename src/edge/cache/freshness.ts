import type { EndpointRole } from "#feed/entry.ts";
import { fieldOf } from "../fields.ts";
import { type CachingPolicy, cachingPolicy } from "./cache-control.ts";
import { cacheDate } from "./dates.ts";
import { DELTA_SECONDS_MAX, HEURISTIC_SECONDS_MAX, NEGATIVE_SECONDS_MAX } from "./limits.ts";
import { HEURISTIC_STATUSES, isNegative } from "./statuses.ts";

/** What is kept of a response to tell its age and its lifetime later. Times are in milliseconds. */
export interface Freshness {
  /** As the origin gave it; without it the endpoint's TTL counts, as it is at reuse. */
  readonly lifetimeSeconds: number | undefined;
  /** What neither of the two can exceed: for a Space's failures, which are kept for a moment. */
  readonly ceilingSeconds: number | undefined;
  /** RFC 9111 §4.2.2: where there is no TTL either. Never used for a Space. */
  readonly heuristicSeconds: number;
  /** RFC 9111 §5.2.2.4: never reused without validation. */
  readonly noCache: boolean;
  /** RFC 9111 §4.2.4: never reused stale. */
  readonly mustRevalidate: boolean;
  /** RFC 9111 §5.2.2.10, RFC 5861: nor where nothing says for how long it may be. */
  readonly staleAsSaidOnly: boolean;
  /** RFC 5861 §3: once it is stale. */
  readonly staleWhileRevalidateSeconds: number;
  /** RFC 5861 §4, if the origin has said so. */
  readonly staleIfErrorSeconds: number | undefined;
  /** Whether caches downstream are told no lifetime by the origin, and so are told ours. */
  readonly silent: boolean;
  /** The Age field as it was received: not 0 when the origin is a cache itself. */
  readonly ageValueSeconds: number;
  readonly correctedInitialAgeMs: number;
  readonly responseTime: number;
}

/** What of a received head tells how long it is fresh. */
export interface FreshnessInput {
  readonly status: number;
  readonly fields: readonly string[];
  readonly requestTime: number;
  readonly responseTime: number;
}

/** Reads what a response just received says of its age and lifetime. */
export function freshnessOf(head: FreshnessInput, role: EndpointRole): Freshness {
  const { fields, requestTime, responseTime } = head;
  const policy = cachingPolicy(fields, responseTime);
  const ageValueSeconds = ageValue(fieldOf(fields, "age"));
  // RFC 9110 §6.6.1: what has no Date, or none that can be read, is dated by its arrival.
  const date = cacheDate(fieldOf(fields, "date"), responseTime) ?? responseTime;
  // RFC 9111 §4.2.3 counts in seconds, as Date does: less than one is what rounding alone gives.
  const apparentAgeMs = Math.max(0, Math.floor((responseTime - date) / 1_000) * 1_000);
  const correctedAgeValueMs = ageValueSeconds * 1_000 + Math.max(0, responseTime - requestTime);
  return {
    lifetimeSeconds: policy.lifetimeSeconds,
    ceilingSeconds: role !== "proxy" && isNegative(head.status) ? NEGATIVE_SECONDS_MAX : undefined,
    heuristicSeconds: role === "proxy" ? guessedSeconds(head, policy, date) : 0,
    noCache: policy.noCache,
    mustRevalidate: policy.mustRevalidate,
    staleAsSaidOnly: policy.staleAsSaidOnly,
    staleWhileRevalidateSeconds: policy.staleWhileRevalidateSeconds ?? 0,
    staleIfErrorSeconds: policy.staleIfErrorSeconds,
    silent: policy.silent,
    ageValueSeconds,
    correctedInitialAgeMs: Math.max(apparentAgeMs, correctedAgeValueMs),
    responseTime,
  };
}

/** RFC 9111 §4.2.3. A clock that was set back makes nothing younger than it came. */
export function currentAgeMs(freshness: Freshness, now: number): number {
  return freshness.correctedInitialAgeMs + Math.max(0, now - freshness.responseTime);
}

/** RFC 9111 §4.2.1: the freshness lifetime, with the TTL that the endpoint has now. */
export function freshnessLifetimeSeconds(
  { lifetimeSeconds, ceilingSeconds, heuristicSeconds }: Freshness,
  ttlSeconds: number | undefined,
): number {
  const seconds = lifetimeSeconds ?? ttlSeconds ?? heuristicSeconds;
  return ceilingSeconds === undefined ? seconds : Math.min(seconds, ceilingSeconds);
}

/** The max-age that caches downstream are told, beside what the origin tells them. */
export function toldMaxAgeSeconds(
  { silent, ceilingSeconds }: Freshness,
  ttlSeconds: number | undefined,
): number | undefined {
  if (!silent || ttlSeconds === undefined) return undefined;
  return ceilingSeconds === undefined ? ttlSeconds : Math.min(ttlSeconds, ceilingSeconds);
}

/**
 * RFC 9111 §4.2.2: a tenth of the time since it was last modified, a day at most; for statuses that
 * are heuristically cacheable, and what is marked as public.
 */
function guessedSeconds(
  { status, fields, responseTime }: FreshnessInput,
  policy: CachingPolicy,
  date: number,
): number {
  if (!HEURISTIC_STATUSES.has(status) && !policy.public) return 0;
  const modified = cacheDate(fieldOf(fields, "last-modified"), responseTime);
  if (modified === undefined) return 0;
  const seconds = Math.floor((date - modified) / 1_000 / 10);
  return Math.min(Math.max(0, seconds), HEURISTIC_SECONDS_MAX);
}

/**
 * RFC 9111 §5.1: the first member of a list counts, also where the list is of several lines; what is
 * not delta-seconds is ignored. §1.2.2: what overflows is as old as can be.
 */
function ageValue(field: string | undefined): number {
  const first = field?.split(",")[0]?.trim() ?? "";
  return /^\d+$/.test(first) ? Math.min(Number(first), DELTA_SECONDS_MAX) : 0;
}
