/** What an integer takes at most: its prefix and 32 bits, seven in each octet. */
export const INTEGER_BYTES_MAX = 6;

/**
 * Writes an integer (RFC 7541 §5.1) and answers the new offset. `pattern` is what its first octet
 * has above the prefix; `prefixMax` is 2^N - 1 for a prefix of N bits.
 */
export function writeInteger(
  value: number,
  pattern: number,
  prefixMax: number,
  out: Buffer,
  at: number,
): number {
  if (value < prefixMax) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at] = pattern | prefixMax;
  let next = at + 1;
  let rest = value - prefixMax;
  while (rest >= 0x80) {
    out[next] = 0x80 | (rest & 0x7f);
    next += 1;
    rest >>>= 7;
  }
  out[next] = rest;
  return next + 1;
}
