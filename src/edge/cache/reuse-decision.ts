import type { EdgeEndpoint } from "#feed/entry.ts";
import { unreachable } from "#unreachable.ts";
import { currentAgeMs, type Freshness, freshnessLifetimeSeconds } from "./freshness.ts";
import { FAILED_RETRY_MS, STALE_DISCONNECTED_SECONDS, STALE_ON_ERROR_SECONDS } from "./limits.ts";

/** What reuse depends on, beside the time. */
export interface ReuseInput {
  readonly freshness: Freshness;
  readonly hasValidator: boolean;
  /** As it is now. */
  readonly endpoint: Pick<EdgeEndpoint, "role" | "ttl">;
  /** Whether its owner has marked it as stale. */
  readonly softPurged: boolean;
  /** When it was last served because the origin had failed, if nothing came from there since. */
  readonly failedAt: number | undefined;
}

type StaleReason = "stale" | "no-cache" | "purged";

/**
 * Which failures of the origin it may be served after: none; only that there is no answer; or also
 * that the answer is a 5xx.
 */
export type StaleIfError = "never" | "disconnected" | "error";

/** The answer is a value with a reason in it, so that Cache-Status, logs and tests agree. */
export type Reuse =
  /** Remaining lifetime: 0 or less for what is stale. */
  | { readonly kind: "fresh"; readonly ageSeconds: number; readonly ttlSeconds: number }
  /** Served as it is; `refresh` asks for a fetch of which nobody waits for the end. */
  | {
      readonly kind: "stale-while-revalidate";
      readonly reason: "stale" | "purged";
      readonly ttlSeconds: number;
      readonly refresh: boolean;
    }
  /** Served as it is: the origin has failed a moment ago, and is not asked for each request. */
  | { readonly kind: "stale-if-error"; readonly ttlSeconds: number }
  | {
      readonly kind: "revalidate" | "refetch";
      readonly reason: StaleReason;
      readonly ttlSeconds: number;
      readonly ifError: StaleIfError;
    };

/**
 * RFC 9111 §4. Of a request's own Cache-Control only only-if-cached is looked at, and elsewhere: all
 * of it is advisory (§5.2.1), and the rest would let anyone make an edge fetch from its origin.
 * `immutable` (RFC 8246) is for caches that are told to reload; this one never is.
 */
export function decideReuse(stored: ReuseInput, now: number): Reuse {
  const { freshness, endpoint } = stored;
  const ageMs = currentAgeMs(freshness, now);
  const lifetimeSeconds = freshnessLifetimeSeconds(freshness, endpoint.ttl);
  // RFC 9111 §4.2: fresh while freshness_lifetime > current_age (strictly).
  if (!freshness.noCache && !stored.softPurged && lifetimeSeconds * 1_000 > ageMs) {
    const ageSeconds = Math.floor(ageMs / 1_000);
    return { kind: "fresh", ageSeconds, ttlSeconds: lifetimeSeconds - ageSeconds };
  }
  return decideStale(stored, ageMs - lifetimeSeconds * 1_000, now);
}

/** Whether what is stored may be served in the place of such a failure. */
export function mayServeStale(ifError: StaleIfError, failure: number | "no-answer"): boolean {
  switch (ifError) {
    case "never":
      return false;
    case "disconnected":
      // Who answers 502 or 504 has not been able to reach the origin either.
      return failure === "no-answer" || failure === 502 || failure === 504;
    case "error":
      // RFC 5861 §4 lists 500, 502, 503 and 504; RFC 9111 §4.3.3 has any 5xx count as no answer.
      return failure === "no-answer" || failure >= 500;
    default:
      return unreachable(ifError);
  }
}

/** `overdueMs`: how long it has been stale; negative if it is so only because it was purged. */
function decideStale(stored: ReuseInput, overdueMs: number, now: number): Reuse {
  const { freshness, softPurged, failedAt } = stored;
  const ifError = decideIfError(stored, Math.max(0, overdueMs));
  const ttlSeconds = overdueMs > 0 ? -Math.ceil(overdueMs / 1_000) : 0;
  const failedNow = failedAt !== undefined && Math.abs(now - failedAt) < FAILED_RETRY_MS;
  if (isServedWhileRevalidated(stored, overdueMs)) {
    const reason = softPurged ? "purged" : "stale";
    return { kind: "stale-while-revalidate", reason, ttlSeconds, refresh: !failedNow };
  }
  if (failedNow && ifError !== "never") return { kind: "stale-if-error", ttlSeconds };
  const kind = stored.hasValidator ? "revalidate" : "refetch";
  const reason = freshness.noCache ? "no-cache" : softPurged ? "purged" : "stale";
  return { kind, reason, ttlSeconds, ifError };
}

/**
 * RFC 5861 §3. A soft purge is the owner's word that what is stale by it alone may still be served
 * (RFC 9111 §4.2.4: an out-of-band contract), unless the origin forbids it.
 */
function isServedWhileRevalidated(
  { freshness, softPurged }: ReuseInput,
  overdueMs: number,
): boolean {
  if (freshness.mustRevalidate) return false;
  if (softPurged && overdueMs < 0 && !freshness.staleAsSaidOnly) return true;
  return freshness.staleWhileRevalidateSeconds * 1_000 > overdueMs;
}

/**
 * RFC 9111 §4.2.4, RFC 5861 §4. Where the origin has not said for how long: a Space's object for a
 * day; of a proxy's, what cannot be asked for, for an hour, as a disconnected cache may. What was a
 * failure itself shelters from none.
 */
function decideIfError({ freshness, endpoint }: ReuseInput, overdueMs: number): StaleIfError {
  if (freshness.mustRevalidate || freshness.ceilingSeconds !== undefined) return "never";
  const said = freshness.staleIfErrorSeconds;
  if (said !== undefined) return said * 1_000 > overdueMs ? "error" : "never";
  if (freshness.staleAsSaidOnly) return "never";
  if (endpoint.role === "proxy") {
    return STALE_DISCONNECTED_SECONDS * 1_000 > overdueMs ? "disconnected" : "never";
  }
  return STALE_ON_ERROR_SECONDS * 1_000 > overdueMs ? "error" : "never";
}
