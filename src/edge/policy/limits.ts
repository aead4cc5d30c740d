/** Bounds of what endpoints' owners settle, each with its reason. */

/** An Origin is a scheme, a host of 253 octets at most, and a port. What is longer matches no rule. */
export const CORS_ORIGIN_LENGTH_MAX = 512;

/** Fields that a preflight may ask for: a request with more would be refused for its head. */
export const CORS_REQUEST_HEADERS_MAX = 100;

/** Answers to origins that are kept, of all endpoints: 2 KiB each at most, and then they are forgotten. */
export const CORS_ANSWERS_MAX = 1_000;

/** The longest of years. A link is taken back by a new secret only, and with it all others are. */
export const SIGNED_AHEAD_SECONDS_MAX = 366 * 24 * 60 * 60;
