import assert from "node:assert/strict";
import type { ByteRange } from "#http/range.ts";

/** Slices by their numbers, both included. Slice `n` begins at the octet `n × sliceBytes`. */
interface SliceRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The octets of these slices, to ask an origin for. Where the length is not known yet the end may lie
 * beyond it, which RFC 9110 §14.1.2 lets the origin cut.
 */
export function alignedRange(
  { from, to }: SliceRange,
  sliceBytes: number,
  length?: number,
): ByteRange {
  const first = from * sliceBytes;
  const last = Math.min((to + 1) * sliceBytes, length ?? Infinity) - 1;
  assert(first <= last);
  return { first, last };
}
