/** The limits of certificates, each with its reason. */

/** Let's Encrypt's, and other CAs': more names make every handshake longer. */
export const DNS_NAMES_MAX = 100;

/** Longer than any that a person reads. */
export const NAME_LENGTH_MAX = 255;

/** RSA with 8,192 bits takes 6.5 KiB of PEM. */
export const KEY_LENGTH_MAX = 16_384;

/** With a hundred names a leaf has some 6 KiB; a full chain may stand beside it. */
export const CERTIFICATES_LENGTH_MAX = 131_072;

/** A leaf, its CAs up to the root, and a few that cross-sign them. */
export const CERTIFICATES_SENT_MAX = 16;

/** NIST SP 800-57: less is broken within the life of a certificate. */
export const RSA_BITS_MIN = 2_048;

/** A signature with more takes a worker tens of milliseconds, at each handshake. */
export const RSA_BITS_MAX = 8_192;

/** What one account may have: workers hold those that are attached, some 20 KiB each. */
export const CERTIFICATES_PER_ACCOUNT_MAX = 10_000;

/** A certificate's story: years of renewals, or weeks of failures. */
export const EVENTS_MAX = 200;

/** Of a message: a CA's problem with a subproblem for each of a hundred names. */
export const EVENT_LENGTH_MAX = 4_000;

/** Certificates that are worked on at a time: some CAs refuse more connections of one account. */
export const JOBS_AT_ONCE_MAX = 10;

/** Orders that are read at a time to be given up: one after the other, so few are enough. */
export const ABANDONED_AT_ONCE_MAX = 100;
