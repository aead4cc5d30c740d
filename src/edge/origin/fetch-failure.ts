import { errors } from "undici";
import { isForbidden, isReset } from "./connector.ts";
import type { OriginFailure } from "./origin.ts";

/** The origin's answer broke a rule that undici does not know, or one of our limits. */
export class AnswerBroken extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "AnswerBroken";
  }
}

/** What went wrong before there was a head, for the person who sees it. */
export function failureOf(error: unknown): OriginFailure {
  if (error instanceof errors.ConnectTimeoutError || error instanceof errors.HeadersTimeoutError) {
    return failed(504, "origin-timeout", "The origin did not answer in time.", error);
  }
  if (isForbidden(error)) {
    const reason = "The origin's name leads to an address that no origin may have.";
    return failed(502, "origin-forbidden", reason, error);
  }
  if (error instanceof errors.InvalidArgumentError) {
    return failed(400, "unusable-request", "The request cannot be sent on.", error);
  }
  if (error instanceof errors.MaxOriginsReachedError) {
    return failed(503, "origin-busy", "Too many origins are in use.", error);
  }
  if (isNoHttp(error)) {
    return failed(502, "origin-invalid", "The origin did not answer in HTTP.", error);
  }
  const reason = "The origin could not be reached, or closed the connection without an answer.";
  return failed(502, "origin-unreachable", reason, error);
}

/** What went wrong after there was a head. It is for the log: the client was told another status. */
export function brokenOff(cause: Error): OriginFailure {
  return failed(502, "origin-broke-off", "The origin's answer broke off.", cause);
}

/** A connection that the origin has closed, while it waited in the pool or while we wrote. */
export function isClosedByOrigin(error: unknown): boolean {
  return (error instanceof errors.SocketError && !isNoHttp(error)) || isReset(error);
}

/** A failure without what led to it: decided here. */
export function failed(
  status: OriginFailure["status"],
  detail: OriginFailure["detail"],
  reason: string,
  cause?: unknown,
): OriginFailure {
  return { kind: "failed", status, detail, reason, cause };
}

/** There was an answer, and it was none: undici's own words for a 100 or 101 are "bad …". */
function isNoHttp(error: unknown): boolean {
  return (
    error instanceof AnswerBroken ||
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    error instanceof errors.ResponseContentLengthMismatchError ||
    (error instanceof errors.SocketError && error.message.startsWith("bad "))
  );
}
