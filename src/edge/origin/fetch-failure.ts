import type { OriginFailure } from "./origin.ts";

/** The origin's answer broke a rule of HTTP, or one of our limits. */
export class AnswerBroken extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "AnswerBroken";
  }
}

/** The connection ended before all had come: by the origin's will, or by an accident. */
export class ConnectionLost extends Error {
  constructor(cause?: Error) {
    super(cause?.message ?? "the connection was closed", { cause });
    this.name = "ConnectionLost";
  }
}

/** Nothing came in its time. */
export class OriginSilent extends Error {
  constructor(waitedFor: string) {
    super(`${waitedFor} did not come in time`);
    this.name = "OriginSilent";
  }
}

/** The name leads to where no origin may be. */
export class AddressForbidden extends Error {
  constructor(host: string) {
    super(`${host} is no address for an origin`);
    this.name = "AddressForbidden";
  }
}

/** The request has what no HTTP/1.1 request can have. */
export class RequestUnusable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "RequestUnusable";
  }
}

/** As many origins are in use as may be. */
export class TooManyOrigins extends Error {
  constructor() {
    super("too many origins have connections");
    this.name = "TooManyOrigins";
  }
}

/** What went wrong before there was a head, for the person who sees it. */
export function failureOf(error: unknown): OriginFailure {
  if (error instanceof OriginSilent) {
    return failed(504, "origin-timeout", "The origin did not answer in time.", error);
  }
  if (error instanceof AddressForbidden) {
    const reason = "The origin's name leads to an address that no origin may have.";
    return failed(502, "origin-forbidden", reason, error);
  }
  if (error instanceof RequestUnusable) {
    return failed(400, "unusable-request", "The request cannot be sent on.", error);
  }
  if (error instanceof TooManyOrigins) {
    return failed(503, "origin-busy", "Too many origins are in use.", error);
  }
  if (error instanceof AnswerBroken) {
    return failed(502, "origin-invalid", "The origin did not answer in HTTP.", error);
  }
  const reason = "The origin could not be reached, or closed the connection without an answer.";
  return failed(502, "origin-unreachable", reason, error);
}

/** What went wrong after there was a head. It is for the log: the client was told another status. */
export function brokenOff(cause: Error): OriginFailure {
  return failed(502, "origin-broke-off", "The origin's answer broke off.", cause);
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
