import { ORIGINS_MAX, SWEEP_INTERVAL_MS } from "../limits.ts";
import { type ConnectorTerms, OriginConnector } from "./connector.ts";
import { ConnectionLost, TooManyOrigins } from "./fetch-failure.ts";
import {
  type ConnectionKeeper,
  type ConnectionLimits,
  OriginConnection,
  type OutgoingRequest,
} from "./origin-connection.ts";
import type { OriginFetch } from "./origin-fetch.ts";

/** The connections to one origin: those that wait, the last one used at the end, and how many in all. */
interface Pool {
  readonly idle: OriginConnection[];
  connections: number;
}

/** A deadline is looked at so often in its time. */
const TURNS_PER_TIMEOUT = 4;

/**
 * Connections to origins, pooled by origin. As many are made as there are fetches: what bounds them, and
 * who waits, is decided before (fetch-slots.ts).
 *
 * Time is counted in turns of one timer for all, which runs while there are connections: a deadline
 * costs a fetch nothing, and what this process itself is late by is not the origin's.
 */
export class OriginPools implements ConnectionKeeper {
  readonly limits: ConnectionLimits;
  readonly #connector: OriginConnector;
  readonly #pools = new Map<string, Pool>();
  readonly #connections = new Set<OriginConnection>();
  readonly #turnMs: number;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(limits: ConnectionLimits, terms: ConnectorTerms) {
    this.limits = limits;
    this.#connector = new OriginConnector(terms);
    const { connectTimeoutMs, headTimeoutMs, bodyIdleTimeoutMs } = limits;
    const shortest = Math.min(connectTimeoutMs, headTimeoutMs, bodyIdleTimeoutMs);
    this.#turnMs = Math.min(SWEEP_INTERVAL_MS, shortest / TURNS_PER_TIMEOUT);
  }

  /** Makes a request on the connection that was used last, or on a new one if it has to be. */
  dispatch(origin: string, request: OutgoingRequest, fetch: OriginFetch, isNew = false): void {
    if (this.#isClosed) return fetch.fail(new ConnectionLost());
    const pool = this.#poolOf(origin);
    if (pool === undefined) return fetch.fail(new TooManyOrigins());
    const pooled = isNew ? undefined : pool.idle.pop();
    if (pooled !== undefined) return pooled.ask(request, fetch);
    const connection = new OriginConnection(origin, this);
    pool.connections += 1;
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#sweep(), this.#turnMs).unref();
    connection.ask(request, fetch);
    if (connection.isOpen) connection.begin(this.#connector.connect(origin, connection));
  }

  /** Ends all fetches. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.abort(new ConnectionLost());
  }

  turnAfter(ms: number): number {
    // The turn that is under way does not count.
    return this.#turn + Math.ceil(ms / this.#turnMs) + 1;
  }

  idle(connection: OriginConnection): void {
    this.#pools.get(connection.origin)?.idle.push(connection);
  }

  closed(connection: OriginConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const pool = this.#pools.get(connection.origin);
    if (pool === undefined) return;
    pool.connections -= 1;
    if (pool.connections === 0) this.#pools.delete(connection.origin);
    const at = pool.idle.indexOf(connection);
    if (at >= 0) pool.idle.splice(at, 1);
  }

  /** Undefined: there are too many, and all are in use. */
  #poolOf(origin: string): Pool | undefined {
    const known = this.#pools.get(origin);
    if (known !== undefined) return known;
    if (this.#pools.size >= ORIGINS_MAX && !this.#dropUnused()) return undefined;
    const pool: Pool = { idle: [], connections: 0 };
    this.#pools.set(origin, pool);
    return pool;
  }

  /** Closes the connections to an origin that nothing is fetched from. */
  #dropUnused(): boolean {
    for (const { idle, connections } of this.#pools.values()) {
      if (idle.length < connections) continue;
      // Each takes itself out of the pool.
      while (idle[0] !== undefined) idle[0].abort(new ConnectionLost());
      return true;
    }
    return false;
  }

  #sweep(): void {
    this.#turn += 1;
    for (const connection of this.#connections) connection.expire(this.#turn);
  }
}
