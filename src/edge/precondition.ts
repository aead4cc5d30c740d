import type { Validators } from "./cache/stored-response.ts";
import { parseHttpDate } from "./http-date.ts";
import { fieldOf } from "./wire/request-head.ts";

/** What a request's own conditions make of a stored 200. */
export type Condition = "proceed" | "not-modified";

/**
 * RFC 9111 §4.3.2, RFC 9110 §13.2.2. If-Match and If-Unmodified-Since are the origin's to judge: a
 * cache may ignore them (RFC 9110 §13.1.1, §13.1.4).
 */
export function evaluateConditions(
  requestFields: readonly string[],
  validators: Validators,
  now: number,
): Condition {
  const ifNoneMatch = fieldOf(requestFields, "if-none-match");
  if (ifNoneMatch !== undefined) {
    return matchesAny(ifNoneMatch, validators.etag) ? "not-modified" : "proceed";
  }
  const since = parseHttpDate(fieldOf(requestFields, "if-modified-since") ?? "", now);
  return since !== undefined && validators.modifiedMs <= since ? "not-modified" : "proceed";
}

/** RFC 9110 §13.1.2: the weak comparison; `*` matches any current representation. */
function matchesAny(list: string, etag: string | undefined): boolean {
  if (list.trim() === "*") return true;
  if (etag === undefined) return false;
  const opaque = etag.replace(/^W\//, "");
  for (const [, tag] of list.matchAll(/(?:W\/)?("[^"]*")/g)) {
    if (tag === opaque) return true;
  }
  return false;
}

/** RFC 9110 §13.1.5: whether If-Range, if there is one, lets a range be served. */
export function ifRangeHolds(
  requestFields: readonly string[],
  validators: Validators,
  now: number,
): boolean {
  const ifRange = fieldOf(requestFields, "if-range");
  if (ifRange === undefined) return true;
  // The strong comparison: neither of the two may be weak.
  if (ifRange.startsWith('"')) return ifRange === validators.etag;
  const date = parseHttpDate(ifRange, now);
  if (date === undefined || validators.lastModified === undefined) return false;
  // RFC 9110 §8.8.2.2: a date is a strong validator once a second has passed after it.
  return date === validators.modifiedMs && validators.dateMs - validators.modifiedMs >= 1_000;
}
