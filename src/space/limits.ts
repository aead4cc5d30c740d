/** The limits of a Space's rules, which are S3's. */

/** Rules of one Space. */
export const CORS_RULES_MAX = 100;

/** All rules together, as JSON. */
export const CORS_BYTES_MAX = 65_536;

/** S3's limit for a rule's ID. */
export const CORS_ID_LENGTH_MAX = 255;

/** An origin, or the name of a field: longer than any that is in use. */
export const CORS_NAME_LENGTH_MAX = 512;

/** Browsers remember a pre-flight for a day at most; this is what fits in 32 bits. */
export const CORS_SECONDS_MAX = 2_147_483_647;
