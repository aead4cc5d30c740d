import { type LookupAddress, lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { buildConnector } from "undici";
import { ORIGINS_MAX } from "../limits.ts";
import { isForbiddenAddress } from "./forbidden-address.ts";

/** The code of a reset, by a name that undici does not know. */
const RESET_CODE = "ATOLL_ORIGIN_RESET";

const FORBIDDEN_CODE = "ATOLL_ORIGIN_FORBIDDEN";

/** How connections to origins are made. */
export interface ConnectorTerms {
  readonly connectTimeoutMs: number;
  /** Whether addresses of this machine and its surroundings will do. */
  readonly anyAddress: boolean;
  /** Node's own, but for tests. */
  readonly lookup?: typeof lookup;
}

/** Makes connections, and tells while it hands one over that nothing was ever sent on it. */
export class OriginConnector {
  readonly connect: buildConnector.connector;
  #isHandingOver = false;

  constructor(terms: ConnectorTerms) {
    const connect = buildConnector({
      timeout: terms.connectTimeoutMs,
      allowH2: false,
      maxCachedSessions: ORIGINS_MAX,
      ...(terms.anyAddress ? {} : { lookup: permittedLookup(terms.lookup ?? lookup) }),
    });
    this.connect = (options, callback) => {
      // An address by itself is not looked up.
      const { hostname } = options;
      if (!terms.anyAddress && isIP(hostname) !== 0 && isForbiddenAddress(hostname)) {
        callback(forbidden(hostname), null);
        return;
      }
      connect(options, (...connected) => this.#handOver(connected, callback));
    };
  }

  /** Whether what is sent now is the first on its connection. */
  get isHandingOver(): boolean {
    return this.#isHandingOver;
  }

  /**
   * RFC 9112 §8: a body that ends with its connection is whole if that was closed without error.
   * undici takes ECONNRESET for such an end, and a broken body would pass as a whole one; an error by
   * another name breaks the body off, as it does with any other.
   */
  #handOver(
    connected: Parameters<buildConnector.Callback>,
    callback: buildConnector.Callback,
  ): void {
    // Before undici's own listener, which is added once it has the socket.
    connected[1]?.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") error.code = RESET_CODE;
    });
    this.#isHandingOver = true;
    try {
      callback(...connected);
    } finally {
      this.#isHandingOver = false;
    }
  }
}

/** A pooled connection that the origin closed while we wrote: another one may do. */
export function isReset(error: unknown): boolean {
  return [RESET_CODE, "ECONNRESET", "EPIPE"].includes(codeOf(error));
}

/** The origin's name leads to where no origin may be. */
export function isForbidden(error: unknown): boolean {
  return codeOf(error) === FORBIDDEN_CODE;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/**
 * Looks names up as Node does, and leaves out what is forbidden. The address that was judged is the
 * one that is used: a second look could find another (DNS rebinding).
 */
function permittedLookup(resolve: typeof lookup): LookupFunction {
  return (hostname, options, callback) => {
    const found = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[] = []): void => {
      if (error !== null) return callback(error, []);
      const permitted = addresses.filter(({ address }) => !isForbiddenAddress(address));
      const [first] = permitted;
      if (first === undefined) return callback(forbidden(hostname), []);
      if (options.all === true) callback(null, permitted);
      else callback(null, first.address, first.family);
    };
    resolve(hostname, { ...options, all: true }, found);
  };
}

function forbidden(host: string): Error {
  return Object.assign(new Error(`${host} is no address for an origin`), { code: FORBIDDEN_CODE });
}
