/** The bounds of content codings, each with its reason. */

/** Smaller content leaves in one packet with its head, coded or not; CDNs draw the line here. */
export const COMPRESSIBLE_BYTES_MIN = 860;

/** Text beyond this is an archive or a data set: 0.2 s of a thread, for one who asks for it once. */
export const COMPRESSIBLE_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Compressions at one time in one worker. libuv's pool has four threads, which files and names need
 * too. Measured: an encoder takes 5 MiB for content of 1 MiB, 15 for the largest.
 */
export const COMPRESSIONS_MAX = 2;

/** Compressions that wait for a slot: one page with all its scripts and style sheets. */
export const COMPRESSIONS_WAITING_MAX = 64;

/** Beyond this it takes longer to wait than to send 100 KiB uncoded at 10 Mbit/s. */
export const COMPRESSION_WAIT_MS = 100;
