/** Bounds of what stands between lookups and the stores, each with its reason. */

/** Variants of one resource: as many languages times codings as sites have. More is a mistake, or an attack. */
export const VARIANTS_MAX = 64;

/** Resources that are known to vary: 3 MiB of names. What is forgotten is fetched once more. */
export const VARYING_RESOURCES_MAX = 20_000;

/** Failures of origins that are noted by key, for a second each: some hundred octets. */
export const FAILURES_NOTED_MAX = 10_000;

/** Slices of one body that are looked for in memory to be counted: of 10 GiB, in a millisecond. */
export const PEEKED_SLICES_MAX = 10_240;

/** Bodies in slices that are known at one time: some hundred octets each. */
export const SLICE_SOURCES_MAX = 10_000;

/** Up to this share of memory all that is read from disk is kept in memory. */
export const ROOM_SHARE = 0.9;

/** Above it one of so many: 20 µs of each hit from disk went into what was evicted unused. */
export const READS_PER_PROMOTION = 8;

/** What is read from disk into shared blocks: the reply copies it at once, or the store does. */
export const PIECE_BYTES_MAX = 16 * 1024;

/** One block: some hundred hits. */
export const READ_BLOCK_BYTES = 1024 * 1024;

/** The same of larger ones: to take in 1 MiB, and evict it, costs what it costs to send it five times. */
export const LARGE_READS_PER_PROMOTION = 64;

/** One read of a body that stays in its file: it leaves in one write, from memory that is still at hand. */
export const FILE_PIECE_BYTES = 128 * 1024;
