import type { Exchange } from "./exchange.ts";
import type { LiveEndpoint } from "./names.ts";
import type { RequestHead } from "./request.ts";

/** One request on its way through the edge. */
export interface Visit {
  readonly request: RequestHead;
  readonly exchange: Exchange;
  readonly requestId: string;
  readonly live: LiveEndpoint;
}
