/** The limits of what is settled for an endpoint, each with its reason. */

/** Two years, as examples show it: while it lasts, nothing takes back that browsers insist on TLS. */
export const HSTS_SECONDS_MAX = 63_072_000;

/** hstspreload.org takes no name into browsers' lists that asks for less. */
export const HSTS_PRELOAD_SECONDS_MIN = 31_536_000;

/** Parameters that a key is made of: each is looked for in every request's query. */
export const QUERY_NAMES_MAX = 50;
export const QUERY_NAME_LENGTH_MAX = 128;

/** One in use, and the one that takes its place while URLs signed by the first run out. */
export const URL_SECRETS_MAX = 2;

/** 16 characters drawn at random are 96 bits and more; above a few hundred they gain nothing. */
export const URL_SECRET_LENGTH_MIN = 16;
export const URL_SECRET_LENGTH_MAX = 256;

/** As long as others' tags may be at least; a stored response has several. */
export const TAG_LENGTH_MAX = 128;

/** Stored paths that one preview shows: what a person looks through, and 16 MiB at the very worst. */
export const PREVIEW_MATCHES_MAX = 1_000;
