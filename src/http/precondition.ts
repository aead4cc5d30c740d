import { parseHttpDate } from "./http-date.ts";

/** What tells one representation from another (RFC 9110 §8.8). */
export interface Validators {
  readonly etag: string | undefined;
  /** As it was sent, for If-Modified-Since. */
  readonly lastModified: string | undefined;
  /** RFC 9111 §4.3.2: what If-Modified-Since is compared with: Last-Modified, or Date. */
  readonly modifiedMs: number;
  readonly dateMs: number;
}

/** The value of a request field, by its name in lower case. */
export type RequestField = (name: string) => string | undefined;

/** What a GET's own conditions make of a 200. */
export type Condition = "proceed" | "not-modified" | "failed";

/** RFC 9110 §13.2.2, as the server that has the representation judges it. */
export function evaluateAtOrigin(
  field: RequestField,
  validators: Validators,
  now: number,
): Condition {
  const ifMatch = field("if-match");
  if (ifMatch !== undefined) {
    if (!matchesAny(ifMatch, validators.etag, "strong")) return "failed";
  } else {
    const since = parseHttpDate(field("if-unmodified-since") ?? "", now);
    if (since !== undefined && validators.modifiedMs > since) return "failed";
  }
  return evaluateInCache(field, validators, now);
}

/**
 * RFC 9111 §4.3.2. If-Match and If-Unmodified-Since are the origin's to judge: a cache may ignore
 * them (RFC 9110 §13.1.1, §13.1.4).
 */
export function evaluateInCache(
  field: RequestField,
  validators: Validators,
  now: number,
): Exclude<Condition, "failed"> {
  const ifNoneMatch = field("if-none-match");
  if (ifNoneMatch !== undefined) {
    return matchesAny(ifNoneMatch, validators.etag, "weak") ? "not-modified" : "proceed";
  }
  const ifModifiedSince = field("if-modified-since");
  if (ifModifiedSince === undefined) return "proceed";
  const since = parseHttpDate(ifModifiedSince, now);
  return since !== undefined && validators.modifiedMs <= since ? "not-modified" : "proceed";
}

/**
 * RFC 9110 §13.1.5: the Range field that counts: none where If-Range does not hold, or parts of two
 * versions would be put together. Range is defined for GET only (§14.2).
 */
export function effectiveRange(
  method: string,
  field: RequestField,
  validators: Validators,
  now: number,
): string | undefined {
  if (method !== "GET") return undefined;
  const ifRange = field("if-range");
  return ifRange === undefined || ifRangeHolds(ifRange, validators, now)
    ? field("range")
    : undefined;
}

function ifRangeHolds(ifRange: string, validators: Validators, now: number): boolean {
  // The strong comparison: neither of the two may be weak.
  if (ifRange.startsWith('"')) return ifRange === validators.etag;
  const date = parseHttpDate(ifRange, now);
  if (date === undefined || validators.lastModified === undefined) return false;
  // RFC 9110 §8.8.2.2: a date is a strong validator once a second has passed after it.
  return date === validators.modifiedMs && validators.dateMs - validators.modifiedMs >= 1_000;
}

/** RFC 9110 §8.8.3.2, and §13.1.1: `*` matches any current representation. */
function matchesAny(
  list: string,
  etag: string | undefined,
  comparison: "strong" | "weak",
): boolean {
  if (list.trim() === "*") return true;
  if (etag === undefined) return false;
  const strong = comparison === "strong";
  if (strong && etag.startsWith("W/")) return false;
  const opaque = etag.replace(/^W\//, "");
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (tag === opaque && !(strong && weak !== undefined)) return true;
  }
  return false;
}
