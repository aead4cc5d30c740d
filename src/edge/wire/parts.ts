import type { Clock } from "#clock.ts";
import type { Observer, Serve } from "../exchange.ts";
import type { Slabs } from "./slabs.ts";

/** What every connection of a worker shares. */
export interface ConnectionParts {
  readonly serve: Serve;
  readonly observer: Observer;
  /** Milliseconds since the epoch. */
  readonly clock: Clock;
  /** For how long things take: nobody sets it back. */
  readonly stopwatch: Clock;
  readonly slabs: Slabs;
  /** A reader who takes next to nothing in this time is cut; absent: as limits.ts has it. */
  readonly writeStallMs?: number;
  /** Told of what a peer of HTTP/2 did wrong, in one of few words. HTTP/1.1 answers such with a status. */
  readonly faulted?: (reason: string) => void;
}

/** A connection as its listener sees it, whichever version of HTTP it speaks. */
export interface WireConnection {
  /** No further requests: ends once those that have come are answered. */
  drain(): void;
  destroy(): void;
  /** Looks at the deadlines of what the peer has to do next. */
  expire(now: number): void;
}
