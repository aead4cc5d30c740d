import type { EdgeEndpoint } from "#feed/entry.ts";
import type { BodyLength } from "../cache/storage-decision.ts";

/** RFC 8586: names this CDN in each request that it makes. */
export const CDN_LOOP_TOKEN = "atoll";

/** A fetch as the edge makes it: nothing of the client's but what is named here. */
export interface OriginRequest {
  readonly endpoint: EdgeEndpoint;
  readonly method: "GET" | "HEAD";
  /** Raw path and query, sent on as they are. */
  readonly target: string;
  readonly requestId: string;
  /** Conditions of ours, or the client's own conditions and range. */
  readonly fields: Readonly<Record<string, string>>;
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
 * Port: where a Space's objects come from. It never follows redirects, never sends credentials of
 * one Space to another's store, and answers failures as values. Aborting ends the body too.
 */
export interface Origin {
  fetch(request: OriginRequest, signal: AbortSignal): Promise<OriginResponse | OriginFailure>;
  close(): Promise<void>;
}
