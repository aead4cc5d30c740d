/** Bounds of bodies that are kept in slices, each with its reason. */

/** Slices of one fetch: it doubles while a reader goes on, so that one who seeks fetches little. */
export const SLICE_RUN_MAX = 64;

/** A fetch goes this far ahead of its fastest reader: what was fetched for nobody was for nothing. */
export const SLICE_AHEAD_MAX = 4;

/** A fetch that is this far behind what is asked for is not waited for: it takes 10 ms a slice. */
export const SLICE_JOIN_AHEAD_MAX = 8;

/** A fetch that nobody has read from for so long gives its connection back; going on costs another. */
export const SLICE_PAUSE_TIMEOUT_MS = 10_000;

/** Fetches that may break off under one reader without a whole slice between them. */
export const SLICE_RUN_FAILURES_MAX = 2;
