import { type ContentRange, parseContentRange } from "#http/content-range.ts";
import { selectRange } from "#http/range.ts";
import { fieldOf } from "../fields.ts";

type PartRange = Extract<ContentRange, { kind: "range" }>;

/** What a 206 brings: one part of which it says where it belongs, or what only the client can judge. */
type Part =
  | { readonly kind: "part"; readonly bytes: number }
  | { readonly kind: "several" }
  | { readonly kind: "fault"; readonly reason: string };

/** Where the length of a representation is not told: no range that was asked for is beyond it. */
const ANY_LENGTH = Number.MAX_SAFE_INTEGER;

/**
 * Whether a 206 is a part of what was asked for (RFC 9110 §15.3.7). It may be less: a part says by
 * itself where it belongs. It may be nothing else, or it would be put where it does not belong.
 * `asked` is the Range field that the origin was sent.
 */
export function judgePart(asked: string, fields: readonly string[]): Part {
  const isMultipart = /^multipart\/byteranges\b/i.test(fieldOf(fields, "content-type") ?? "");
  const isSeveral = asked.includes(",");
  // What another unit means is between the client and the origin (§14.1).
  if (!/^bytes=/i.test(asked)) return { kind: "several" };
  // §15.3.7.2: parts for who can have asked for several only.
  if (isMultipart) return isSeveral ? { kind: "several" } : fault("several parts for one range");
  const contentRange = parseContentRange(fieldOf(fields, "content-range") ?? "");
  if (contentRange?.kind !== "range") return fault("a part without a valid Content-Range");
  const bytes = contentRange.last - contentRange.first + 1;
  const length = fieldOf(fields, "content-length");
  if (length !== undefined && Number(length) !== bytes) {
    return fault("a part of another length than its Content-Range says");
  }
  if (!isSeveral && !isWithin(contentRange, asked)) return fault("a part that was not asked for");
  return { kind: "part", bytes };
}

function isWithin({ first, last, length }: PartRange, asked: string): boolean {
  // Of the last octets of who knows how many, any may be.
  if (length === undefined && /^bytes=[\t ]*-/i.test(asked)) return true;
  const wanted = selectRange(asked, length ?? ANY_LENGTH);
  // §14.2: an invalid Range is to be ignored, and not to be answered by a part.
  return wanted.kind === "range" && first >= wanted.first && last <= wanted.last;
}

function fault(what: string): Part {
  return { kind: "fault", reason: `The origin answered with ${what}.` };
}
