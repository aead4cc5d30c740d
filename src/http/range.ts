/** RFC 9110 §14.1.2: both positions are inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What a Range field asks of a representation of known length. */
export type SelectedRanges =
  | { readonly kind: "whole" }
  /** At least one, none touching another, in the order in which they were asked for. */
  | { readonly kind: "ranges"; readonly ranges: readonly ByteRange[] }
  | { readonly kind: "unsatisfiable" };

/** What a Range field asks of a server that never sends several ranges. */
export type SelectedRange =
  | { readonly kind: "whole" }
  | ({ readonly kind: "range" } & ByteRange)
  | { readonly kind: "unsatisfiable" };

/** Each part costs a head and a read. A reader of PDF, who asks for the most, sends some ten. */
const RANGES_MAX = 16;

/** RFC 9110 §14.2: more than two overlapping ranges come from a broken client, or from an attack. */
const OVERLAPPING_MAX = 2;

/** RFC 9110 §15.3.7.2: a gap that is smaller than the head of a part (some 80) is sent with them. */
const GAP_BYTES = 80;

/** RFC 9110 §14.2, "many small ranges that are not listed in ascending order": what small is. */
const SMALL_BYTES = 1_024;

/** And what many is. */
const SMALL_UNORDERED_MAX = 4;

const WHOLE = { kind: "whole" } as const;
const UNSATISFIABLE = { kind: "unsatisfiable" } as const;

/**
 * The ranges to answer with: as multipart/byteranges if there are several. Another unit, an invalid
 * set and one that only an attacker would send are answered with the whole, which RFC 9110 §14.2
 * allows always. No octet is selected twice.
 */
export function selectRanges(field: string | undefined, length: number): SelectedRanges {
  const members = field === undefined ? undefined : parseByteRanges(field);
  if (members === undefined) return WHOLE;
  // No Content-Range can be written for a suffix of nothing, though it is satisfiable (§14.1.2).
  if (length === 0 && members.some((member) => isSuffix(member) && member.suffix > 0)) return WHOLE;
  const ranges = members.flatMap((member) => resolve(member, length));
  if (ranges.length === 0) return UNSATISFIABLE;
  if (ranges.length === 1) return { kind: "ranges", ranges };
  const sorted = ranges.map((range, asked) => ({ ...range, asked })).toSorted(byFirst);
  if (countOverlapping(sorted) > OVERLAPPING_MAX || isScattered(ranges)) return WHOLE;
  return { kind: "ranges", ranges: coalesced(sorted) };
}

/** One range of bytes; several are answered with the whole. */
export function selectRange(field: string | undefined, length: number): SelectedRange {
  if (field?.includes(",")) return WHOLE;
  const selected = selectRanges(field, length);
  if (selected.kind !== "ranges") return selected;
  const [range] = selected.ranges;
  return range === undefined ? WHOLE : { kind: "range", ...range };
}

/** RFC 9110 §14.1.1: an int-range or a suffix-range, as sent. */
type RangeSpec = ByteRange | { readonly suffix: number };

/** RFC 9110 §14.1.1: one invalid member makes the whole set invalid. */
function parseByteRanges(field: string): RangeSpec[] | undefined {
  // Units are case-insensitive (§14.1). Empty members are nothing, but count as members here.
  const set = /^bytes=(.*)$/i.exec(field)?.[1];
  const members = set?.split(",", RANGES_MAX + 1) ?? [];
  if (members.length > RANGES_MAX) return undefined;
  const specs: RangeSpec[] = [];
  for (const member of members) {
    if (/^[\t ]*$/.test(member)) continue;
    const spec = parseSpec(member);
    if (spec === undefined) return undefined;
    specs.push(spec);
  }
  return specs.length === 0 ? undefined : specs;
}

/** Numbers beyond any length are as good as infinity: clients send 2⁶³ − 1 for "to the end". */
function parseSpec(text: string): RangeSpec | undefined {
  const match = /^[\t ]*(\d*)-(\d*)[\t ]*$/.exec(text);
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? undefined : { suffix: Number(last) };
  const range = { first: Number(first), last: last === "" ? Infinity : Number(last) };
  return range.last < range.first ? undefined : range;
}

function isSuffix(spec: RangeSpec): spec is { readonly suffix: number } {
  return "suffix" in spec;
}

/** RFC 9110 §14.1.2: none if it is unsatisfiable; what reaches beyond the end stops there. */
function resolve(spec: RangeSpec, length: number): ByteRange[] {
  const first = isSuffix(spec) ? Math.max(0, length - spec.suffix) : spec.first;
  if (first >= length) return [];
  return [{ first, last: Math.min(isSuffix(spec) ? length : spec.last, length - 1) }];
}

/** A range with its place in the field. */
interface AskedRange extends ByteRange {
  readonly asked: number;
}

function byFirst(one: ByteRange, other: ByteRange): number {
  return one.first - other.first;
}

/** How many have an octet in common with another. */
function countOverlapping(sorted: readonly AskedRange[]): number {
  const overlapping = new Set<AskedRange>();
  let furthest: AskedRange | undefined;
  for (const range of sorted) {
    if (furthest !== undefined && range.first <= furthest.last) {
      overlapping.add(range).add(furthest);
    }
    if (furthest === undefined || range.last > furthest.last) furthest = range;
  }
  return overlapping.size;
}

function isScattered(ranges: readonly ByteRange[]): boolean {
  const small = ranges.filter(({ first, last }) => last - first + 1 < SMALL_BYTES);
  if (small.length <= SMALL_UNORDERED_MAX) return false;
  return small.some((range, i) => range.first < (small[i - 1]?.first ?? 0));
}

/** RFC 9110 §15.3.7.2: a coalesced range takes the place of the first of those that it is made of. */
function coalesced(sorted: readonly AskedRange[]): ByteRange[] {
  const apart: AskedRange[] = [];
  for (const range of sorted) {
    const before = apart.at(-1);
    if (before === undefined || range.first - before.last - 1 >= GAP_BYTES) {
      apart.push(range);
      continue;
    }
    apart[apart.length - 1] = {
      first: before.first,
      last: Math.max(before.last, range.last),
      asked: Math.min(before.asked, range.asked),
    };
  }
  return apart
    .toSorted((one, other) => one.asked - other.asked)
    .map(({ first, last }) => ({ first, last }));
}
