/** RFC 9110 §14.1.2: both positions are inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What a Range field asks of a representation of known length. */
export type SelectedRange =
  | { readonly kind: "whole" }
  | ({ readonly kind: "range" } & ByteRange)
  | { readonly kind: "unsatisfiable" };

const WHOLE: SelectedRange = { kind: "whole" };
const UNSATISFIABLE: SelectedRange = { kind: "unsatisfiable" };

/**
 * One range of bytes. Another unit, malformed text and several ranges are answered with the whole,
 * which RFC 9110 §14.2 allows a server to do always.
 */
export function selectRange(field: string | undefined, length: number): SelectedRange {
  if (field === undefined) return WHOLE;
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(field);
  if (match === null) return WHOLE;
  const [, firstText = "", lastText = ""] = match;
  if (firstText === "") return lastText === "" ? WHOLE : suffix(Number(lastText), length);
  const first = Number(firstText);
  const last = lastText === "" ? length - 1 : Number(lastText);
  // RFC 9110 §14.1.1: last before first makes the whole field invalid, not unsatisfiable.
  if (lastText !== "" && last < first) return WHOLE;
  if (first >= length) return UNSATISFIABLE;
  return { kind: "range", first, last: Math.min(last, length - 1) };
}

function suffix(count: number, length: number): SelectedRange {
  if (count === 0 || length === 0) return UNSATISFIABLE;
  return { kind: "range", first: Math.max(0, length - count), last: length - 1 };
}
