import type { Clock } from "#clock.ts";
import type { AccessLog } from "./access-log.ts";
import type { EdgeCounters, EndpointCounters } from "./edge-counters.ts";
import type { CacheResult, Protocol } from "./family.ts";
import type { LoggedRequest } from "./log-line.ts";

/** An endpoint as its owner has it, with room for its counters. */
export interface CountedEndpoint {
  readonly endpoint: { readonly id: string };
  /** Put here at the first request that is counted. */
  counters: EndpointCounters | undefined;
}

/** What an exchange's end has to tell: the shape of the edge's `Ending`. */
export interface ObservedEnding {
  readonly client: { readonly address: string; readonly tls?: { readonly version: string } };
  readonly request: LoggedRequest & { readonly version: Protocol };
  readonly reply: {
    readonly status: number;
    readonly cache: CacheResult;
    readonly requestId: string;
    readonly live: CountedEndpoint | undefined;
  };
  readonly sentBytes: number;
  readonly whole: boolean;
  readonly tookMs: number;
}

/** Counts and logs what a worker answers. It is on the path of every hit: it only notes. */
export class EdgeObserver {
  readonly #counters: EdgeCounters;
  readonly #log: AccessLog | undefined;
  readonly #clock: Clock;

  constructor(counters: EdgeCounters, log: AccessLog | undefined, clock: Clock) {
    this.#counters = counters;
    this.#log = log;
    this.#clock = clock;
  }

  ended(ending: ObservedEnding): void {
    const { client, reply } = ending;
    const { live } = reply;
    this.#counters.ended(ending, live === undefined ? this.#counters.none : this.#of(live));
    this.#log?.note({
      at: this.#clock.now(),
      requestId: reply.requestId,
      client: client.address,
      tls: client.tls?.version,
      request: ending.request,
      status: reply.status,
      cache: reply.cache,
      endpointId: live?.endpoint.id,
      bytes: ending.sentBytes,
      whole: ending.whole,
      tookMs: ending.tookMs,
    });
  }

  #of(live: CountedEndpoint): EndpointCounters {
    live.counters ??= this.#counters.endpoint(live.endpoint.id);
    return live.counters;
  }
}
