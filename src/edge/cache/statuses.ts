/** What the status of a response says of storing it. */

/** RFC 9110 §15.1, RFC 7725 §3: may be reused without being told so ("heuristically cacheable"). */
export const HEURISTIC_STATUSES: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 451, 501,
]);

/** What an endpoint's TTL is the lifetime of. A 206 is a part of a 200. */
export const TTL_STATUSES: ReadonlySet<number> = new Set([200, 203, 206, 301, 308]);

/**
 * Never whole responses of their own: a 206 is a part, and a 304 an update (RFC 9111 §3). RFC 6585
 * §3 to §6 has the others "not be stored by a cache", whatever they say.
 */
const UNSTORABLE_STATUSES: ReadonlySet<number> = new Set([206, 304, 428, 429, 431, 511]);

/**
 * RFC 9111 §3: those of RFC 9110 §15, and 451. What has caching rules of its own elsewhere (226,
 * RFC 3229) or is not registered is not among them.
 */
const UNDERSTOOD_STATUSES: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404, 405,
  406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 451, 500, 501, 502,
  503, 504, 505,
]);

/** What a Space's endpoint keeps for a moment, so that an origin is not asked again for each request. */
export function isNegative(status: number): boolean {
  return status === 403 || status === 404 || status === 410 || status >= 500;
}

/** Whether such a response may be stored at all. Interim ones (1xx) are no responses of their own. */
export function isStorable(status: number): boolean {
  return status >= 200 && !UNSTORABLE_STATUSES.has(status);
}

/** RFC 9111 §5.2.2.3: recognised, with all that its definition says of caching. */
export function isUnderstood(status: number): boolean {
  return UNDERSTOOD_STATUSES.has(status);
}
