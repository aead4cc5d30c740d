import type { EdgeEndpoint } from "#feed/entry.ts";
import { fieldOf } from "../fields.ts";
import { type CachingPolicy, cachingPolicy } from "./cache-control.ts";
import { freshnessOf, HEURISTIC_STATUSES } from "./freshness.ts";

/** How a response body ends (RFC 9112 §6.3). */
export type BodyLength = number | "chunked" | "close-delimited";

/** A response head that has just come, and the largest body that would be kept. */
export interface StorageInput {
  readonly status: number;
  readonly fields: readonly string[];
  readonly length: BodyLength;
  readonly bodyBytesMax: number;
  readonly requestTime: number;
  readonly responseTime: number;
  readonly endpoint: Pick<EdgeEndpoint, "role" | "ttl">;
}

type NotStoredReason =
  | "status"
  | "no-store"
  | "private"
  | "set-cookie"
  | "vary"
  | "no-validator"
  | "close-delimited"
  | "too-large";

/** Whether a response is kept, and if not, why. */
export type Storage =
  | { readonly kind: "store" }
  | { readonly kind: "pass"; readonly reason: NotStoredReason };

/** What an endpoint's TTL applies to. Partial content comes with the Cache issue. */
const TTL_STATUSES: ReadonlySet<number> = new Set([200, 203, 301, 308]);

/** RFC 9111 §3, for the answer to a GET without Authorization that was not presigned. */
export function decideStorage(response: StorageInput): Storage {
  const policy = cachingPolicy(response.fields, response.responseTime);
  if (!isStoredStatus(response, policy.lifetimeSeconds)) return pass("status");
  if (policy.noStore) return pass("no-store");
  if (policy.private) return pass("private");
  if (fieldOf(response.fields, "set-cookie") !== undefined) {
    // A cookie that is meant for one must not reach others, unless the origin said how long it may.
    const explicit = (policy.lifetimeSeconds ?? 0) > 0 && !policy.noCache;
    if (response.endpoint.role !== "proxy" || !explicit) return pass("set-cookie");
  }
  // RFC 9111 §4.1: `*` never matches.
  if (fieldOf(response.fields, "vary")?.includes("*") === true) return pass("vary");
  if (!hasValidator(response.fields) && !mayBeFresh(response, policy)) return pass("no-validator");
  // RFC 9112 §8: it cannot be told whether a close-delimited body is whole.
  if (response.length === "close-delimited") return pass("close-delimited");
  if (response.length !== "chunked" && response.length > response.bodyBytesMax) {
    return pass("too-large");
  }
  return { kind: "store" };
}

/** A Space's: those of the TTL, whatever they say. A proxy's: also what has its own lifetime. */
function isStoredStatus(response: StorageInput, lifetimeSeconds: number | undefined): boolean {
  const { status, endpoint } = response;
  if (endpoint.role !== "proxy") return TTL_STATUSES.has(status);
  if (lifetimeSeconds === undefined) {
    return (endpoint.ttl === undefined ? HEURISTIC_STATUSES : TTL_STATUSES).has(status);
  }
  // RFC 9111 §3: a 206 or 304 is to be understood, not stored; 204 has nothing to store.
  return status >= 200 && status !== 204 && status !== 206 && status !== 304;
}

/** Whether it will be reused without asking, at least for a moment. */
function mayBeFresh(response: StorageInput, policy: CachingPolicy): boolean {
  if (policy.noCache) return false;
  const { lifetimeSeconds } = policy;
  if (lifetimeSeconds !== undefined) return lifetimeSeconds > 0;
  return response.endpoint.ttl !== undefined || freshnessOf(response, "proxy").heuristicSeconds > 0;
}

function hasValidator(fields: readonly string[]): boolean {
  return fieldOf(fields, "etag") !== undefined || fieldOf(fields, "last-modified") !== undefined;
}

function pass(reason: NotStoredReason): Storage {
  return { kind: "pass", reason };
}
