import type { EndpointRole } from "#feed/entry.ts";
import { parseHttpDate } from "#http/http-date.ts";
import { fieldOf } from "../fields.ts";
import { cachingPolicy, DELTA_SECONDS_MAX } from "./cache-control.ts";

/** What is kept of a response to tell its age and its lifetime later. Times are in milliseconds. */
export interface Freshness {
  /** As the origin gave it; without it the endpoint's TTL counts, as it is at reuse. */
  readonly lifetimeSeconds: number | undefined;
  /** RFC 9111 §4.2.2: where there is no TTL either. Never used for a Space. */
  readonly heuristicSeconds: number;
  /** RFC 9111 §5.2.2.4: never reused without validation. */
  readonly noCache: boolean;
  /** The Age field as it was received: not 0 when the origin is a cache itself. */
  readonly ageValueSeconds: number;
  readonly correctedInitialAgeMs: number;
  readonly responseTime: number;
}

/** The answer is a value with a reason in it, so that Cache-Status, logs and tests agree. */
export type Reuse =
  | { readonly kind: "fresh"; readonly ageSeconds: number; readonly ttlSeconds: number }
  | { readonly kind: "revalidate"; readonly reason: "stale" | "no-cache" }
  | { readonly kind: "refetch"; readonly reason: "stale" | "no-cache" };

/** What of a received head tells how long it is fresh. */
export interface FreshnessInput {
  readonly status: number;
  readonly fields: readonly string[];
  readonly requestTime: number;
  readonly responseTime: number;
}

/** RFC 9110 §15.1: final statuses that may be reused without being told so; not 206, not 204. */
export const HEURISTIC_STATUSES: ReadonlySet<number> = new Set([
  200, 203, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/** A guess that is wrong for longer than that is found by people first. */
const HEURISTIC_SECONDS_MAX = 86_400;

/** What reuse depends on, beside the time. */
export interface ReuseInput {
  readonly freshness: Freshness;
  readonly hasValidator: boolean;
  /** The endpoint's TTL now, if it has one. */
  readonly ttlSeconds: number | undefined;
}

/**
 * RFC 9111 §4. Request directives (Cache-Control of the client) are not looked at: they would let
 * anyone make an edge fetch from its origin, and §5.2.1 leaves them to the cache.
 */
export function decideReuse(stored: ReuseInput, now: number): Reuse {
  const { freshness } = stored;
  const ageMs = currentAgeMs(freshness, now);
  const lifetimeSeconds =
    freshness.lifetimeSeconds ?? stored.ttlSeconds ?? freshness.heuristicSeconds;
  const reason = freshness.noCache ? "no-cache" : "stale";
  // RFC 9111 §4.2: fresh while freshness_lifetime > current_age (strictly).
  if (!freshness.noCache && lifetimeSeconds * 1_000 > ageMs) {
    const ageSeconds = Math.floor(ageMs / 1_000);
    return { kind: "fresh", ageSeconds, ttlSeconds: lifetimeSeconds - ageSeconds };
  }
  return { kind: stored.hasValidator ? "revalidate" : "refetch", reason };
}

/** RFC 9111 §4.2.3. A clock that was set back makes nothing younger than it came. */
export function currentAgeMs(freshness: Freshness, now: number): number {
  return freshness.correctedInitialAgeMs + Math.max(0, now - freshness.responseTime);
}

/** Reads what a response just received says of its age and lifetime. */
export function freshnessOf(head: FreshnessInput, role: EndpointRole): Freshness {
  const { fields, requestTime, responseTime } = head;
  const policy = cachingPolicy(fields, responseTime);
  const ageValueSeconds = ageValue(fieldOf(fields, "age"));
  const date = parseHttpDate(fieldOf(fields, "date") ?? "", responseTime) ?? responseTime;
  // RFC 9111 §4.2.3 counts in seconds, as Date does: less than one is what rounding alone gives.
  const apparentAgeMs = Math.max(0, Math.floor((responseTime - date) / 1_000) * 1_000);
  const correctedAgeValueMs = ageValueSeconds * 1_000 + Math.max(0, responseTime - requestTime);
  return {
    lifetimeSeconds: policy.lifetimeSeconds,
    heuristicSeconds: role === "proxy" ? heuristicSeconds(head, date) : 0,
    noCache: policy.noCache,
    ageValueSeconds,
    correctedInitialAgeMs: Math.max(apparentAgeMs, correctedAgeValueMs),
    responseTime,
  };
}

/** RFC 9111 §4.2.2: a tenth of the time since it was last modified, a day at most. */
function heuristicSeconds({ status, fields, responseTime }: FreshnessInput, date: number): number {
  const modified = parseHttpDate(fieldOf(fields, "last-modified") ?? "", responseTime);
  if (modified === undefined || !HEURISTIC_STATUSES.has(status)) return 0;
  const seconds = Math.floor((date - modified) / 1_000 / 10);
  return Math.min(Math.max(0, seconds), HEURISTIC_SECONDS_MAX);
}

/**
 * RFC 9111 §5.1: the first member of a list counts; what is not delta-seconds is ignored. §1.2.2: what
 * overflows is as old as can be.
 */
function ageValue(field: string | undefined): number {
  const first = field?.split(",")[0]?.trim() ?? "";
  return /^\d+$/.test(first) ? Math.min(Number(first), DELTA_SECONDS_MAX) : 0;
}
