import {
  type EntityTag,
  matchesStrongly,
  matchesWeakly,
  parseEntityTags,
} from "#http/entity-tag.ts";
import { evaluateAtOrigin, type Validators } from "#http/precondition.ts";
import { type Call, field } from "./call.ts";
import type { Digest } from "./digest.ts";
import { type ErrorCode, Refusal } from "./refusal.ts";

/** RFC 9110 §8.8.3: what has a digest needs no other entity-tag. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** Content has no date of its own. */
export function validatorsOf(digest: Digest): Validators {
  return { etag: etagOf(digest), lastModified: undefined, modifiedMs: 0, dateMs: 0 };
}

/**
 * Whether a GET's or a HEAD's own conditions make a 304 of it (RFC 9110 §13.2.2).
 * @throws Refusal when it is not what If-Match names
 */
export function isUnchanged(call: Pick<Call, "request">, digest: Digest, code: ErrorCode): boolean {
  const condition = evaluateAtOrigin((name) => field(call, name), validatorsOf(digest), 0);
  if (condition === "failed") throw conditionFailed(code, digest);
  return condition === "not-modified";
}

/** A write's own conditions, which are judged in the transaction that writes. */
export interface WriteCondition {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

export function writeCondition(call: Pick<Call, "request">): WriteCondition {
  const [ifMatch, ifNoneMatch] = [field(call, "if-match"), field(call, "if-none-match")];
  return {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  };
}

/** RFC 9110 §13.1.1, §13.1.2. @param current what is there; undefined: nothing */
export function isMet(
  { ifMatch, ifNoneMatch }: WriteCondition,
  current: Digest | undefined,
): boolean {
  if (ifMatch !== undefined && !isAmong(ifMatch, current, matchesStrongly)) return false;
  return ifNoneMatch === undefined || !isAmong(ifNoneMatch, current, matchesWeakly);
}

function isAmong(
  list: string,
  current: Digest | undefined,
  matches: (one: EntityTag, other: EntityTag) => boolean,
): boolean {
  if (current === undefined) return false;
  if (list.trim() === "*") return true;
  const own = { weak: false, opaque: etagOf(current) };
  return parseEntityTags(list)?.some((tag) => matches(tag, own)) ?? false;
}

/** @param current what is there, for who wants to look at it and try again */
export function conditionFailed(code: ErrorCode, current: Digest | undefined): Refusal {
  const message = "What is there is not what If-Match or If-None-Match asks for.";
  return new Refusal(code, message, {
    status: 412,
    ...(current === undefined ? {} : { detail: { current } }),
  });
}
