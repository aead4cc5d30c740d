import assert from "node:assert/strict";
import type { ByteRange } from "#http/range.ts";

/** Slices by their numbers, both included. Slice `n` begins at the octet `n × sliceBytes`. */
export interface SliceRange {
  readonly from: number;
  readonly to: number;
}

/** The slices that have the octets from first to last. */
export function sliceRange(first: number, last: number, sliceBytes: number): SliceRange {
  assert(first >= 0);
  assert(first <= last);
  return { from: Math.floor(first / sliceBytes), to: Math.floor(last / sliceBytes) };
}

/** How many slices a body of this length has, of which only the last may be shorter. */
export function sliceCount(length: number, sliceBytes: number): number {
  return Math.ceil(length / sliceBytes);
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

/** What of slice `n` is asked for, in its own octets: from `start` up to, but without, `end`. */
export function partOfSlice(
  n: number,
  { first, last }: ByteRange,
  sliceBytes: number,
): { readonly start: number; readonly end: number } {
  const begin = n * sliceBytes;
  const start = Math.max(first - begin, 0);
  const end = Math.min(last + 1 - begin, sliceBytes);
  assert(start < end);
  return { start, end };
}

/**
 * The slices that are not there, in runs of `runMax` at most: a fetch each. A slice is looked for only
 * when its turn comes: what arrives while an earlier run is fetched is not fetched again.
 */
export function* missingRuns(
  { from, to }: SliceRange,
  isPresent: (slice: number) => boolean,
  runMax: number,
): Generator<SliceRange, void, undefined> {
  let begin: number | undefined;
  for (let slice = from; slice <= to; slice += 1) {
    if (isPresent(slice)) {
      if (begin !== undefined) yield { from: begin, to: slice - 1 };
      begin = undefined;
      continue;
    }
    begin ??= slice;
    if (slice - begin + 1 < runMax) continue;
    yield { from: begin, to: slice };
    begin = undefined;
  }
  if (begin !== undefined) yield { from: begin, to };
}
