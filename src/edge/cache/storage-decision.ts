import type { EdgeEndpoint } from "#feed/entry.ts";
import { parseContentRange } from "#http/content-range.ts";
import { parseEntityTag } from "#http/entity-tag.ts";
import { fieldOf } from "../fields.ts";
import { type CachingPolicy, cachingPolicy } from "./cache-control.ts";
import { cacheDate } from "./dates.ts";
import { freshnessLifetimeSeconds, freshnessOf } from "./freshness.ts";
import {
  HEURISTIC_STATUSES,
  isNegative,
  isStorable,
  isUnderstood,
  TTL_STATUSES,
} from "./statuses.ts";
import { varyNames } from "./vary.ts";

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
  /** Whether the request had an Authorization field. */
  readonly authorized: boolean;
  /** Whether it would take the place of what is stored, and is no failure itself (`isNegative`). */
  readonly replaces: boolean;
}

type NotStoredReason =
  | "status"
  | "must-understand"
  | "no-store"
  | "private"
  | "authorization"
  | "set-cookie"
  | "vary"
  | "no-validator"
  | "server-error"
  | "close-delimited"
  | "too-large"
  | "content-range"
  | "weak-validator";

/** Whether a response is kept, and if not, why. */
export type Storage =
  /** `withheld` fields are for the request that was answered alone; absent if there are none. */
  | { readonly kind: "store"; readonly withheld?: readonly string[] }
  | { readonly kind: "pass"; readonly reason: NotStoredReason };

/** RFC 9111 §3, for the answer to a GET that was not presigned. */
export function decideStorage(response: StorageInput): Storage {
  const { status, fields, endpoint } = response;
  const policy = cachingPolicy(fields, response.responseTime);
  const refusal = policyRefusal(response, policy);
  if (refusal !== undefined) return pass(refusal);
  const withheld = policy.withheld.filter((name) => fieldOf(fields, name) !== undefined);
  if (fieldOf(fields, "set-cookie") !== undefined && !withheld.includes("set-cookie")) {
    // A cookie that is meant for one must not reach others, unless the origin said how long it may.
    const explicit = (policy.lifetimeSeconds ?? 0) > 0 && !policy.noCache;
    if (endpoint.role !== "proxy" || !explicit) return pass("set-cookie");
  }
  // RFC 9111 §4.1: `*` never matches.
  if (varyNames(fields) === "*") return pass("vary");
  // RFC 9111 §4.3.3: an origin that fails does not say that what it sent before is no more.
  if (response.replaces && status >= 500) return pass("server-error");
  if (!hasValidator(fields) && !mayBeReused(response, policy)) return pass("no-validator");
  // RFC 9110 §8.6: a 204 ends with its head, whatever is said of its length.
  const length = status === 204 ? 0 : response.length;
  // RFC 9112 §8: it cannot be told whether a close-delimited body is whole.
  if (length === "close-delimited") return pass("close-delimited");
  if (length !== "chunked" && length > response.bodyBytesMax) return pass("too-large");
  return withheld.length === 0 ? { kind: "store" } : { kind: "store", withheld };
}

/**
 * RFC 9111 §3.3: whether a 206 is kept, as the 200 that it is a part of would be. §3.4: parts are put
 * together only by a strong validator; one that has none would never be added to.
 */
export function decidePartStorage(response: StorageInput): Storage {
  if (response.status !== 206) return pass("status");
  const range = parseContentRange(fieldOf(response.fields, "content-range") ?? "");
  if (range?.kind !== "range") return pass("content-range");
  if (!hasStrongValidator(response)) return pass("weak-validator");
  return decideStorage({ ...response, status: 200 });
}

/**
 * Whether such an answer says that what is stored is not what the origin would answer to others. It
 * does not if it is a 5xx (RFC 9111 §4.3.3), or is for the bearer of a credential.
 */
export function outdatesStored(status: number, storage: Storage): boolean {
  return status < 500 && !(storage.kind === "pass" && storage.reason === "authorization");
}

/**
 * Whether all who have waited for an answer that is not kept may have it: a failure that speaks of
 * nobody, and that each of them would only meet again. What a proxy asks has what its client has said.
 */
export function isSharedFailure(
  { fields, responseTime }: Pick<StorageInput, "fields" | "responseTime">,
  storage: Storage,
  { role }: Pick<EdgeEndpoint, "role">,
): boolean {
  if (role === "proxy" || storage.kind === "store" || storage.reason !== "server-error") {
    return false;
  }
  const { withheld } = cachingPolicy(fields, responseTime);
  return withheld.every((name) => fieldOf(fields, name) === undefined);
}

/** What status and directives say, in the order in which RFC 9111 §3 has them. */
function policyRefusal(response: StorageInput, policy: CachingPolicy): NotStoredReason | undefined {
  const { status } = response;
  if (!isStorable(status) || !isStoredStatus(response, policy)) return "status";
  // RFC 9111 §5.2.2.3: no-store is there for caches that do not know must-understand.
  if (policy.mustUnderstand && !isUnderstood(status)) return "must-understand";
  if (policy.noStore && !policy.mustUnderstand) return "no-store";
  if (policy.private) return "private";
  if (response.authorized && !policy.sharesAuthorized) return "authorization";
  return undefined;
}

/**
 * RFC 9111 §3: any that has its own lifetime. A Space's of the others: those of the TTL, and failures,
 * of which it keeps no others whatever they say. A proxy's: those of its TTL, or of the heuristics.
 */
function isStoredStatus({ status, endpoint }: StorageInput, policy: CachingPolicy): boolean {
  const isProxy = endpoint.role === "proxy";
  if (!isProxy && status >= 400) return isNegative(status);
  if (policy.lifetimeSeconds !== undefined) return true;
  if (endpoint.ttl !== undefined) return TTL_STATUSES.has(status);
  return HEURISTIC_STATUSES.has(status) || policy.public;
}

/** Whether it will be reused without asking, at least for a moment. */
function mayBeReused(response: StorageInput, policy: CachingPolicy): boolean {
  if (policy.noCache) return false;
  const { endpoint } = response;
  const freshness = freshnessOf(response, endpoint.role ?? "space");
  if (freshnessLifetimeSeconds(freshness, endpoint.ttl) > 0) return true;
  return !policy.mustRevalidate && (policy.staleWhileRevalidateSeconds ?? 0) > 0;
}

function hasValidator(fields: readonly string[]): boolean {
  return fieldOf(fields, "etag") !== undefined || fieldOf(fields, "last-modified") !== undefined;
}

/** RFC 9110 §8.8.1, and §8.8.2.2: a date is strong once a second has passed after it. */
function hasStrongValidator({ fields, responseTime }: StorageInput): boolean {
  const tag = parseEntityTag(fieldOf(fields, "etag") ?? "");
  if (tag !== undefined) return !tag.weak;
  const modified = cacheDate(fieldOf(fields, "last-modified"), responseTime);
  const date = cacheDate(fieldOf(fields, "date"), responseTime);
  return modified !== undefined && date !== undefined && date - modified >= 1_000;
}

function pass(reason: NotStoredReason): Storage {
  return { kind: "pass", reason };
}
