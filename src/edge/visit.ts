import type { Exchange } from "./exchange.ts";
import type { LiveEndpoint } from "./names.ts";
import type { RequestHead } from "./request.ts";
import type { Wanted } from "./tiers/tiers.ts";

/** One request on its way through the edge. */
export interface Visit {
  readonly request: RequestHead;
  readonly exchange: Exchange;
  readonly requestId: string;
  readonly live: LiveEndpoint;
  /** The request's target as it is keyed and forwarded: without what was for the edge alone. */
  readonly target: string;
  /** Field lines, each with its CRLF, that whatever answers it has. */
  readonly lines: string;
  /** What its answer is looked for by. */
  readonly wanted: Wanted;
  /** A sibling asks: what is not stored is fetched from the origin, and from no other worker. */
  readonly isAsked?: boolean;
  /** What is not stored is not fetched by anyone. */
  readonly onlyStored?: boolean;
}
