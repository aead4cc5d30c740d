/** The bounds of talking to a CA, each with its reason. */

/** One exchange, from the connection to the last octet. Let's Encrypt's slowest take ten seconds. */
export const EXCHANGE_TIMEOUT_MS = 30_000;

/** Exchanges with one CA at a time: Let's Encrypt allows 20 a second, and 18 new orders. */
export const EXCHANGES_AT_ONCE_MAX = 8;

/** A directory, an order with a hundred names, a problem with as many subproblems. */
export const JSON_BYTES_MAX = 256 * 1_024;

/** Chains are below 10 KiB; post-quantum ones will be below 50. */
export const CHAIN_BYTES_MAX = 256 * 1_024;
export const CHAIN_CERTIFICATES_MAX = 10;

/** RFC 8555 §7.1.3 sets none; Let's Encrypt takes a hundred names in an order. */
export const AUTHORIZATIONS_MAX = 100;

/** Challenges of an authorization: there are five types. */
export const CHALLENGES_MAX = 20;

/** A token is 22 to 43 characters at every CA; it becomes part of a path and of a row. */
export const TOKEN_LENGTH_MAX = 256;

/** A URL of the CA's is kept in a row. */
export const URL_LENGTH_MAX = 2_048;

/** Of the CA's own words: what a person reads, and what a row, a log line and an event keep. */
export const DETAIL_LENGTH_MAX = 1_000;
export const MESSAGE_LENGTH_MAX = 4_000;
export const SUBPROBLEMS_MAX = 20;

/** Nonces kept: what is left over from as many exchanges. They grow old at the CA. */
export const NONCES_MAX = 2 * EXCHANGES_AT_ONCE_MAX;
export const NONCE_LENGTH_MAX = 256;

/** With half of all nonces refused, one request in a million fails. */
export const NONCE_TRIES_MAX = 20;

/** With a fifth of all connections cut, one request in a hundred fails. */
export const LOST_TRIES_MAX = 3;

/** Directories change with new profiles and terms, a few times a year. */
export const DIRECTORY_MAX_AGE_MS = 3_600_000;

/** A Retry-After that is further ahead is a mistake of somebody's. */
export const RETRY_AFTER_MS_MAX = 31 * 86_400_000;

/**
 * A new order that is refused for longer is refused for its names: Let's Encrypt's limits of an
 * account are counted over three hours at most, those of names over a week.
 */
export const HOLD_FOR_ONE_ORDER_MS_MAX = 3 * 3_600_000;

/** RFC 9773 §4.3.2: clamped, as it says, to a minute and a day; without one, six hours. */
export const RENEWAL_RETRY_MS_MIN = 60_000;
export const RENEWAL_RETRY_MS_MAX = 86_400_000;
export const RENEWAL_RETRY_MS = 6 * 3_600_000;
