/** Bounds of what a cache decides by, each with its reason. Those of bytes are the edge's. */

/** RFC 9111 §1.2.2: what delta-seconds is capped to. */
export const DELTA_SECONDS_MAX = 2 ** 31;

/** A guess that is wrong for longer than that is found by people first. */
export const HEURISTIC_SECONDS_MAX = 86_400;

/** A Space's 403, 404, 410 and 5xx: what was missing a moment ago may have been uploaded since. */
export const NEGATIVE_SECONDS_MAX = 10;

/** A Space's owner is asleep, or the region's store is down for a day: old files beat none. */
export const STALE_ON_ERROR_SECONDS = 86_400;

/** A proxy's origin has not said that it may, as a Space's owner has by using a CDN: a short while. */
export const STALE_DISCONNECTED_SECONDS = 3_600;

/**
 * An origin that has just failed is asked again for the same after this. Behind the wait for a look at
 * one that is down it still leaves time to be normal within a second of its return.
 */
export const FAILED_RETRY_MS = 500;

/** Whoever may have what is stale if the origin fails waits so long for it: above a lost SYN or two. */
export const STALE_IF_ERROR_WAIT_MS = 3_000;

/** Where only a disconnected cache may serve it: few origins that are there take as long to begin. */
export const STALE_DISCONNECTED_WAIT_MS = 10_000;

/** What varies by more than that is never asked for alike again: a browser sends fewer fields. */
export const VARY_NAMES_MAX = 16;

/** A variant's part of its key as text. A longer one, as cookies make it, is a digest. */
export const VARIANT_KEY_CHARS_MAX = 200;

/** Values of Accept-Encoding, and of Accept-Language, that need not be read again: browsers' differ little. */
export const KNOWN_PREFERENCES_MAX = 500;

/** Longer ones are read each time: a person with six languages sends less. */
export const KNOWN_PREFERENCE_CHARS_MAX = 128;
