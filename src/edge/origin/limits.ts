/** Bounds of connections to origins between fetches, each with its reason. */

/** In the pool, where an origin does not say for how long: Node and Apache give up after 5 s. */
export const ORIGIN_IDLE_TIMEOUT_MS = 4_000;

/** However long it says: by then the routers in between may have forgotten the connection. */
export const ORIGIN_IDLE_TIMEOUT_MAX_MS = 60_000;

/** So much earlier than the origin says, that no request is on its way as it closes. */
export const ORIGIN_IDLE_MARGIN_MS = 1_000;
