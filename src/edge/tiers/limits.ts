/** Bounds of what stands between lookups and the stores, each with its reason. */

/** Variants of one resource: as many languages times codings as sites have. More is a mistake, or an attack. */
export const VARIANTS_MAX = 64;

/** Resources that are known to vary: 3 MiB of names. What is forgotten is fetched once more. */
export const VARYING_RESOURCES_MAX = 20_000;

/** Slices of one body that are looked for in memory to be counted: of 10 GiB, in a millisecond. */
export const PEEKED_SLICES_MAX = 10_240;

/** Bodies in slices that are known at one time: some hundred octets each. */
export const SLICE_SOURCES_MAX = 10_000;
