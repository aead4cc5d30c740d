import type { EdgeEndpoint } from "#feed/entry.ts";
import type { BodyLength } from "../cache/storage-decision.ts";
import type { RequestContent } from "../request-content.ts";

/** RFC 8586: names this CDN in each request that it makes. */
export const CDN_LOOP_TOKEN = "atoll";

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
}

/** A head that has come, and a body that is still to be read. */
export interface OriginResponse {
  readonly kind: "response";
  readonly status: number;
  /** End-to-end fields, names in lower case and values, alternating. */
  readonly fields: readonly string[];
  readonly length: BodyLength;
  /** Throws if it breaks off before its end. Has to be read or discarded. */
  readonly body: AsyncIterable<Buffer>;
  discard(): void;
  /** Trailer fields, names and values alternating: known once the body has been read. */
  trailers(): readonly string[];
  readonly requestTime: number;
  readonly responseTime: number;
}

type FailureDetail =
  | "unusable-path"
  | "origin-busy"
  | "origin-timeout"
  | "origin-unreachable"
  | "origin-invalid"
  | "client-left";

/** No response, and what the client is told of it. */
export interface OriginFailure {
  readonly kind: "failed";
  readonly status: 400 | 502 | 503 | 504;
  /** Why, as a token for Cache-Status. */
  readonly detail: FailureDetail;
  readonly reason: string;
  readonly cause?: unknown;
}

/**
 * Port: where an endpoint's responses come from. It never follows redirects, never sends credentials of
 * one Space to another's store, and answers failures as values. Aborting ends the body too.
 */
export interface Origin {
  fetch(request: OriginRequest, signal: AbortSignal): Promise<OriginResponse | OriginFailure>;
  close(): Promise<void>;
}
