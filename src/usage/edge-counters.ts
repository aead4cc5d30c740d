import { unreachable } from "#unreachable.ts";
import { CacheCounters, type CacheUse } from "./cache-counters.ts";
import type { CacheFamily } from "./cache-family.ts";
import {
  add,
  type CacheResult,
  copyValues,
  DURATION_BOUNDS,
  EDGE_FAMILIES,
  type EdgeFamily,
  ENDPOINT_FAMILIES,
  type EndpointFamily,
  HANDSHAKE_RESULTS,
  type HandshakeResult,
  newValues,
  noteDuration,
  type Protocol,
  STATUS_CLASSES,
  statusPlace,
  type Values,
} from "./family.ts";
import { COUNTED_ENDPOINTS_MAX } from "./limits.ts";

/** Requests that no endpoint had: unknown Hosts, and what was no request. */
export const NO_ENDPOINT = "none";
/** Endpoints beyond `COUNTED_ENDPOINTS_MAX`, together. */
export const OTHER_ENDPOINTS = "other";

/** What is counted of one exchange, as the wire tells it. */
export interface CountedExchange {
  readonly client: { readonly tls?: object };
  readonly request: { readonly version: Protocol };
  readonly reply: { readonly status: number; readonly cache: CacheResult };
  readonly sentBytes: number;
  readonly whole: boolean;
  readonly tookMs: number;
}

/** All that a worker has counted since it began, in a form that travels over IPC. */
export interface UsageSnapshot {
  readonly edge: Values<EdgeFamily>;
  readonly cache: Values<CacheFamily>;
  /** By endpoint id, `NO_ENDPOINT` or `OTHER_ENDPOINTS`. */
  readonly endpoints: ReadonlyMap<string, Values<EndpointFamily>>;
}

/** What only the process knows of itself. */
export interface ProcessUse {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** The counts of one endpoint. Whoever has the endpoint keeps them with it: no look-up per hit. */
export class EndpointCounters {
  readonly values: Values<EndpointFamily> = newValues(ENDPOINT_FAMILIES);
}

/** What one worker counts. It is on the path of every hit: each note is a few additions. */
export class EdgeCounters {
  /** For exchanges of no endpoint. */
  readonly none = new EndpointCounters();
  readonly cache = new CacheCounters();
  readonly #other = new EndpointCounters();
  readonly #endpoints = new Map<string, EndpointCounters>();
  readonly #values = newValues(EDGE_FAMILIES);

  /** The counters of an endpoint, from its first request on; past the bound those of all others. */
  endpoint(id: string): EndpointCounters {
    const known = this.#endpoints.get(id);
    if (known !== undefined) return known;
    if (this.#endpoints.size >= COUNTED_ENDPOINTS_MAX) return this.#other;
    const counters = new EndpointCounters();
    this.#endpoints.set(id, counters);
    return counters;
  }

  /** The endpoint is deleted: its series end. Requests in flight count into what nobody reads. */
  forget(id: string): void {
    this.#endpoints.delete(id);
  }

  /** A reply has ended. */
  ended(exchange: CountedExchange, endpoint: EndpointCounters): void {
    const { reply, sentBytes } = exchange;
    const cache = cachePlace(reply.cache);
    const { requests, responseBytes } = endpoint.values;
    add(requests, cache * STATUS_CLASSES.length + statusPlace(reply.status), 1);
    add(responseBytes, 0, sentBytes);
    const { protocols, durations, aborted } = this.#values;
    add(protocols, protocolPlace(exchange.request.version, exchange.client.tls !== undefined), 1);
    noteDuration(durations, cache * (DURATION_BOUNDS.length + 2), exchange.tookMs / 1_000);
    if (!exchange.whole) add(aborted, 0, 1);
  }

  /** A connection was taken from the listening socket: before any handshake. */
  accepted(tls: boolean): void {
    add(this.#values.accepted, tls ? 1 : 0, 1);
  }

  /** Connections were not accepted, or closed at once: no room, or no descriptor left. */
  refused(connections: number): void {
    add(this.#values.refused, 0, connections);
  }

  /** A connection speaks HTTP from now on: after its handshake, if it has one. */
  opened(protocol: Protocol, tls: boolean): void {
    add(this.#values.connections, protocolPlace(protocol, tls), 1);
  }

  /** Once for each `opened`, with the same words. */
  closed(protocol: Protocol, tls: boolean): void {
    add(this.#values.connections, protocolPlace(protocol, tls), -1);
  }

  handshake(result: HandshakeResult): void {
    add(this.#values.handshakes, HANDSHAKE_RESULTS.indexOf(result), 1);
  }

  logLinesDropped(lines: number): void {
    add(this.#values.logLinesDropped, 0, lines);
  }

  /** A copy: what is counted on does not change it. `cache` is absent as long as there is none. */
  snapshot(use: ProcessUse, cache?: CacheUse): UsageSnapshot {
    this.#values.cpuSeconds[0] = use.cpuSeconds;
    this.#values.residentBytes[0] = use.residentBytes;
    const endpoints = new Map<string, Values<EndpointFamily>>();
    for (const [id, { values }] of this.#endpoints) endpoints.set(id, copyValues(values));
    endpoints.set(NO_ENDPOINT, copyValues(this.none.values));
    endpoints.set(OTHER_ENDPOINTS, copyValues(this.#other.values));
    return { edge: copyValues(this.#values), cache: this.cache.snapshot(cache), endpoints };
  }
}

/** Places as in `CACHE_RESULTS`. A switch, because it costs a comparison of pointers. */
function cachePlace(result: CacheResult): number {
  switch (result) {
    case "HIT":
      return 0;
    case "MISS":
      return 1;
    case "STALE":
      return 2;
    case "REVALIDATED":
      return 3;
    case "BYPASS":
      return 4;
    case "NONE":
      return 5;
    default:
      return unreachable(result);
  }
}

/** Places as in `PROTOCOLS` times off and on. */
function protocolPlace(protocol: Protocol, tls: boolean): number {
  const place = protocol === "HTTP/1.1" ? 1 : protocol === "HTTP/2.0" ? 2 : 0;
  return place * 2 + (tls ? 1 : 0);
}
