/** What a Content-Range says of bytes (RFC 9110 §14.4). */
export type ContentRange =
  /** Without a length where the sender does not know it: `*`. */
  | {
      readonly kind: "range";
      readonly first: number;
      readonly last: number;
      readonly length: number | undefined;
    }
  /** Of a 416: no range of this length was satisfiable. */
  | { readonly kind: "unsatisfied"; readonly length: number };

/**
 * A Content-Range, or `undefined` for what is invalid: another unit, a last position before the first
 * or beyond the length, a number that cannot be counted with. RFC 9110 §14.4 forbids to combine such
 * content with what is stored.
 */
export function parseContentRange(value: string): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-(\d+)\/(\d+|\*)|\*\/(\d+))$/i.exec(value);
  if (match === null) return undefined;
  const [, firstText, lastText, lengthText, unsatisfied] = match;
  if (unsatisfied !== undefined) {
    const length = Number(unsatisfied);
    return Number.isSafeInteger(length) ? { kind: "unsatisfied", length } : undefined;
  }
  const first = Number(firstText);
  const last = Number(lastText);
  const length = lengthText === "*" ? undefined : Number(lengthText);
  if (!Number.isSafeInteger(length ?? last)) return undefined;
  if (last < first || last >= (length ?? Infinity)) return undefined;
  return { kind: "range", first, last, length };
}

/** RFC 9110 §14.4: of a part of a representation whose length is known. */
export function contentRange(first: number, last: number, length: number): string {
  return `bytes ${first}-${last}/${length}`;
}
