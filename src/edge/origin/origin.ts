import type { EdgeEndpoint } from "#feed/entry.ts";
import type { BodyLength } from "../cache/storage-decision.ts";
import type { RequestContent } from "../request-content.ts";
import type { FromSibling } from "../siblings/answer.ts";
import type { Outlook } from "./origin-health.ts";

/** A fetch as the edge makes it: nothing of the client's but what is named here. */
export interface OriginRequest {
  readonly endpoint: EdgeEndpoint;
  readonly method: string;
  /** Raw path and query, sent on as they are. */
  readonly target: string;
  readonly requestId: string;
  /** Names in lower case and values, alternating: conditions of ours, or what the client has said. */
  readonly fields: readonly string[];
  /** The client's content, which is read as the origin takes it. */
  readonly content?: RequestContent;
  /** Of the content, as far as the client has told. */
  readonly contentLength?: number | "unknown";
  /** Called with each interim response but 100. */
  informed(status: number, fields: readonly string[]): void;
  /** Called when the body of a response breaks off, unless nobody wanted it any more. */
  brokeOff?(failure: OriginFailure): void;
}

/** Takes a body as it comes. Nothing comes after `end` or `fail`. */
export interface BodySink {
  /**
   * Whether it takes more; if not, nothing comes until the body is resumed. The chunk is written over
   * once this returns: what is kept of it is copied.
   */
  chunk(chunk: Buffer): boolean;
  /** All of it was there. Trailer fields, names and values alternating. */
  end(trailers: readonly string[]): void;
  /** It broke off. */
  fail(): void;
}

/**
 * A body on its way from the origin: handed on without a stream object between the two. It has one
 * reader, or is discarded.
 */
export interface OriginBody {
  /** Hands over at once what has come, and the rest as it comes. */
  read(sink: BodySink): void;
  /** The sink takes more again. Nothing is handed over before the caller has returned. */
  resume(): void;
}

/** A head that has come, and a body that is still to be read. */
export interface OriginResponse {
  readonly kind: "response";
  readonly status: number;
  /** End-to-end fields, names in lower case and values, alternating. */
  readonly fields: readonly string[];
  readonly length: BodyLength;
  /** Has to be read or discarded. */
  readonly body: OriginBody;
  /** Nobody reads the body, or what is left of it. */
  discard(): void;
  readonly requestTime: number;
  readonly responseTime: number;
  /** It comes from another worker, which shares it. */
  readonly sibling?: FromSibling | undefined;
}

export type FailureDetail =
  | "unusable-path"
  | "unusable-request"
  | "origin-broke-off"
  | "origin-busy"
  | "origin-down"
  | "origin-forbidden"
  | "origin-invalid"
  | "origin-timeout"
  | "origin-unreachable"
  | "client-left";

/** No response, and what the client is told of it. */
export interface OriginFailure {
  readonly kind: "failed";
  readonly status: 400 | 502 | 503 | 504;
  /** Why, as a token for Cache-Status. */
  readonly detail: FailureDetail;
  readonly reason: string;
  /** When it may be worth another try: for Retry-After (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/**
 * Port: where an endpoint's responses come from. It never follows redirects, never sends credentials of
 * one Space to another's store, and answers failures as values. Aborting ends the body too.
 */
export interface Origin {
  /** Names this installation in the CDN-Loop of each request (RFC 8586): what has it was here before. */
  readonly loopToken: string;
  fetch(request: OriginRequest, signal: AbortSignal): Promise<OriginResponse | OriginFailure>;
  /** What is known without asking, of where an endpoint's responses come from. */
  outlook(endpoint: EdgeEndpoint): Outlook;
  close(): Promise<void>;
}
