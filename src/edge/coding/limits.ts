/** The bounds of content codings, each with its reason. */

/** Smaller content leaves in one packet with its head, coded or not; CDNs draw the line here. */
export const COMPRESSIBLE_BYTES_MIN = 860;

/** Text beyond this is an archive or a data set: 0.2 s of a thread, for one who asks for it once. */
export const COMPRESSIBLE_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Compressions at one time in one worker. libuv's pool has eight threads, which files and names need
 * too. Measured: an encoder takes 5 MiB for content of 1 MiB, 15 for the largest.
 */
export const COMPRESSIONS_MAX = 2;

/** Compressions that wait for a slot: one page with all its scripts and style sheets. */
export const COMPRESSIONS_WAITING_MAX = 64;

/** Beyond this it takes longer to wait than to send 100 KiB uncoded at 10 Mbit/s. */
export const COMPRESSION_WAIT_MS = 100;

/** Who asks first waits for content of this length to be coded, in 11 ms at most; longer is sent as it is. */
export const AWAITED_BYTES_MAX = 1024 * 1024;

/**
 * How long they wait for the origin to have sent it, and for the coding: at 10 Mbit/s 1 MiB takes less.
 * Beyond this the beginning, as it is, is worth more than fewer octets.
 */
export const AWAITED_MS = 1_000;
