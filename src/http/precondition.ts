import {
  type EntityTag,
  matchesStrongly,
  matchesWeakly,
  parseEntityTag,
  parseEntityTags,
} from "./entity-tag.ts";
import { parseHttpDate } from "./http-date.ts";

/** What tells one representation from another (RFC 9110 §8.8). */
export interface Validators {
  readonly etag: string | undefined;
  /** As it was sent. */
  readonly lastModified: string | undefined;
  /** RFC 9111 §4.3.2: what a cache compares If-Modified-Since with: Last-Modified, or Date. */
  readonly modifiedMs: number;
  /** When it was sent; no later than `modifiedMs` where a date tells too little to be strong. */
  readonly dateMs: number;
}

/** The value of a request field, by its name in lower case, its lines joined by commas. */
export type RequestField = (name: string) => string | undefined;

/** What a GET's or a HEAD's own conditions make of a 200. */
export type Condition = "proceed" | "not-modified" | "failed";

/** RFC 9110 §13.2.2, as the server that has the representation judges it. */
export function evaluateAtOrigin(
  field: RequestField,
  validators: Validators,
  now: number,
): Condition {
  const counted = validators.lastModified === undefined ? withoutDates(field) : field;
  const ifMatch = field("if-match");
  if (ifMatch !== undefined) {
    if (!matchesAny(ifMatch, validators.etag, matchesStrongly)) return "failed";
  } else if (isModifiedSince(validators, counted("if-unmodified-since"), now) === true) {
    return "failed";
  }
  return evaluateInCache(counted, validators, now);
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
    // RFC 9110 §13.1.3: whatever it has, If-Modified-Since does not count beside it.
    return matchesAny(ifNoneMatch, validators.etag, matchesWeakly) ? "not-modified" : "proceed";
  }
  const modified = isModifiedSince(validators, field("if-modified-since"), now);
  return modified === false ? "not-modified" : "proceed";
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

/** RFC 9110 §13.1.3, §13.1.4: at an origin no other date takes the place of a missing Last-Modified. */
function withoutDates(field: RequestField): RequestField {
  return (name) => (name.endsWith("modified-since") ? undefined : field(name));
}

/** RFC 9110 §13.1.3, §13.1.4: `undefined` for a field that counts for nothing: no date, or several. */
function isModifiedSince(
  { modifiedMs }: Validators,
  value: string | undefined,
  now: number,
): boolean | undefined {
  if (value === undefined) return undefined;
  const since = parseHttpDate(value, now);
  return since === undefined ? undefined : modifiedMs > since;
}

function ifRangeHolds(ifRange: string, validators: Validators, now: number): boolean {
  const asked = parseEntityTag(ifRange);
  if (asked !== undefined) {
    const tag = parseEntityTag(validators.etag ?? "");
    return tag !== undefined && matchesStrongly(asked, tag);
  }
  const date = parseHttpDate(ifRange, now);
  if (date === undefined || validators.lastModified === undefined) return false;
  // RFC 9110 §8.8.2.2: a date is a strong validator once a second has passed after it.
  return date === validators.modifiedMs && validators.dateMs - validators.modifiedMs >= 1_000;
}

/** RFC 9110 §13.1.1, §13.1.2: `*` matches any current representation, with or without a tag. */
function matchesAny(
  list: string,
  etag: string | undefined,
  matches: (one: EntityTag, other: EntityTag) => boolean,
): boolean {
  if (list === "*") return true;
  const tag = parseEntityTag(etag ?? "");
  if (tag === undefined) return false;
  return parseEntityTags(list)?.some((member) => matches(member, tag)) ?? false;
}
