import type { Failure } from "./failure.ts";
import type { Happened } from "./job.ts";

/** An order that has begun, its key opened. */
export interface BegunOrder {
  readonly url: string;
  /** Of the new certificate: PKCS #8, PEM. */
  readonly key: string;
}

/** What an attempt to obtain a certificate is given. */
export interface Attempt {
  readonly names: readonly string[];
  /** Challenges that have failed: the next one is of another type. */
  readonly rotation: number;
  /** PEM, the leaf first: what this CA has issued before. */
  readonly replaces?: string;
  /** Begun by an earlier attempt: it goes on with this one. */
  readonly order?: BegunOrder;
  /** Keeps an order, or the absence of one. It is durable when this resolves. */
  keep(order: BegunOrder | undefined): Promise<void>;
  /** Tells the certificate's story. */
  note(happened: Happened): Promise<void>;
}

export type Attempted =
  /** PEM: the leaf first; and its key, PKCS #8. */
  | { readonly kind: "issued"; readonly chain: string; readonly key: string }
  | {
      readonly kind: "failed";
      readonly failure: Failure;
      /** A challenge has failed: the next attempt should try another type. */
      readonly rotate: boolean;
    };

/** When a CA would like a certificate to be renewed (RFC 9773 §4.2). Times in ms since the epoch. */
export interface CaWindow {
  readonly startAt: number;
  readonly endAt: number;
  /** It is not to be asked again before. */
  readonly retryAt: number;
}

/** Port: a CA, and the way to it. One attempt per certificate at a time. */
export interface Issuer {
  /** `local`, or the URL of its directory. */
  readonly name: string;
  /**
   * Takes an order as far as it goes. An abort of the issuer's own signal ends it; what it has kept
   * is where the next attempt goes on. @throws what is a bug, or no CA's doing
   */
  obtain(attempt: Attempt): Promise<Attempted>;
  /** Nobody wants what was ordered any more: what is left to be proved is given up. @param order its URL */
  abandon(order: string): Promise<void>;
  /** `undefined`: it suggests nothing. @param leaf PEM */
  window(leaf: string): Promise<CaWindow | undefined>;
}
