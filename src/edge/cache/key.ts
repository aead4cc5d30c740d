/**
 * The cache key (RFC 9111 §2): the endpoint and the raw target, exactly as it is forwarded. Nothing
 * is normalised: two spellings of one path may be two resources to an origin.
 */
export function cacheKey(endpointId: string, target: string): string {
  return `${endpointId} ${target}`;
}

/** The raw target in a key. An endpoint's id has no space in it. */
export function targetOfKey(key: string): string {
  return key.slice(key.indexOf(" ") + 1);
}
