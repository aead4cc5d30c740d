import type { Answer } from "../question.ts";

/** Parts that are asked for: from an octet up to one, or to the end; or the last ones. */
export type Wanted = readonly (
  | { readonly first: number; readonly last: number | undefined }
  | { readonly suffix: number }
)[];

interface Part {
  readonly first: number;
  readonly end: number;
}

/** What they are parts of. */
interface Whole {
  /** How long it may be said to be. */
  readonly lengths: readonly number[];
  readonly octets: (first: number, end: number) => Buffer;
}

/** What is wrong with the answer to a request for parts, if anything. */
export function partFault(answer: Answer, wanted: Wanted, whole: Whole): string | undefined {
  const faults = whole.lengths.map((length) => faultOf(answer, wanted, { ...whole, length }));
  return faults.includes(undefined) ? undefined : faults[0];
}

function faultOf(
  { status, fields, body }: Answer,
  wanted: Wanted,
  whole: Whole & { readonly length: number },
): string | undefined {
  const selected = wanted.flatMap((part) => resolve(part, whole.length));
  if (status === 416) return selected.length === 0 ? undefined : "416, and it can be satisfied";
  if (selected.length === 0) return "a part that is not there";
  const type = String(fields["content-type"]);
  const boundary = /^multipart\/byteranges; ?boundary="?([^"]+)"?$/.exec(type)?.[1];
  const got =
    boundary === undefined
      ? [{ range: String(fields["content-range"]), octets: body }]
      : multipart(body, boundary);
  if (got === undefined) return "a multipart body that cannot be read";
  const parts: Part[] = [];
  for (const { range, octets } of got) {
    const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range);
    const [first, last, length] = [match?.[1], match?.[2], match?.[3]].map(Number);
    if (first === undefined || last === undefined || length !== whole.length) return range;
    if (octets.length !== last + 1 - first) return `${octets.length} octets of ${range}`;
    if (!octets.equals(whole.octets(first, last + 1))) return `other octets in ${range}`;
    parts.push({ first, end: last + 1 });
  }
  // Several may have been put together, and with what lies between them (RFC 9110 §15.3.7.2).
  const missing = selected.find(
    ({ first, end }) => !parts.some((part) => part.first <= first && part.end >= end),
  );
  if (missing !== undefined) return `octets ${missing.first} to ${missing.end} were asked for`;
  const [only, ...others] = selected;
  if (others.length > 0 || parts.length > 1) return undefined;
  const [part] = parts;
  return part?.first === only?.first && part?.end === only?.end ? undefined : "more than asked for";
}

function resolve(part: Wanted[number], length: number): Part[] {
  if ("suffix" in part) {
    return length === 0 ? [] : [{ first: Math.max(0, length - part.suffix), end: length }];
  }
  const { first, last } = part;
  if (first >= length) return [];
  return [{ first, end: last === undefined ? length : Math.min(last + 1, length) }];
}

const END = Buffer.from("--\r\n");

/** RFC 9110 §14.6: the parts of a body; undefined: they cannot be told. */
function multipart(
  body: Buffer,
  boundary: string,
): { readonly range: string; readonly octets: Buffer }[] | undefined {
  const parts: { range: string; octets: Buffer }[] = [];
  let rest = body;
  for (let delimiter = `--${boundary}`; ; delimiter = `\r\n--${boundary}`) {
    if (rest.toString("latin1", 0, delimiter.length) !== delimiter) return undefined;
    rest = rest.subarray(delimiter.length);
    if (rest.equals(END)) return parts;
    const headEnd = rest.indexOf("\r\n\r\n");
    const head = rest.toString("latin1", 0, headEnd);
    const [range = "", first, last] = /bytes (\d+)-(\d+)\/\d+/.exec(head) ?? [];
    if (headEnd < 0 || range === "") return undefined;
    const begin = headEnd + 4;
    const end = begin + Number(last) - Number(first) + 1;
    parts.push({ range, octets: rest.subarray(begin, end) });
    rest = rest.subarray(end);
  }
}
