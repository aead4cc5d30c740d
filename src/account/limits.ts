/** The limits of tokens, each with its reason. */

/** An expired token is listed for so long, so that whoever misses it finds out why. */
export const EXPIRED_TOKEN_KEPT_MS = 30 * 86_400_000;

/** Forgotten with each one that is made: scripts mint docker's credentials by the minute. */
export const EXPIRED_TOKENS_FORGOTTEN = 10;
