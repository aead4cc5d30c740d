import { buildConnector } from "undici";
import { ORIGIN_CONNECT_TIMEOUT_MS, ORIGINS_MAX } from "../limits.ts";

/** The code of a reset, by a name that undici does not know. */
const RESET_CODE = "ATOLL_ORIGIN_RESET";

/**
 * Connects to origins. RFC 9112 §8: a body that ends with its connection is whole if that was closed
 * without error. undici takes ECONNRESET for such an end, and a broken body would pass as a whole
 * one; an error by another name breaks the body off, as it does with any other.
 */
export function originConnector(): buildConnector.connector {
  const connect = buildConnector({
    timeout: ORIGIN_CONNECT_TIMEOUT_MS,
    allowH2: false,
    maxCachedSessions: ORIGINS_MAX,
  });
  return (options, callback) => {
    connect(options, (...connected) => {
      // Before undici's own listener, which is added once it has the socket.
      connected[1]?.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNRESET") error.code = RESET_CODE;
      });
      callback(...connected);
    });
  };
}

/** A pooled connection that the origin closed while we wrote: another one may do. */
export function isReset(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === RESET_CODE || code === "ECONNRESET" || code === "EPIPE";
}
