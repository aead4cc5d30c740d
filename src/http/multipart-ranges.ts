import assert from "node:assert/strict";
import { contentRange } from "./content-range.ts";
import type { ByteRange } from "./range.ts";

/** A part of a representation, and what is sent before it. */
interface RangePart extends ByteRange {
  readonly head: Buffer;
}

/** A multipart/byteranges body but for the octets of the representation. */
export interface MultipartLayout {
  readonly contentType: string;
  readonly contentLength: number;
  /** Each is sent as its head, then the representation's octets from first to last. */
  readonly parts: readonly RangePart[];
  readonly trailer: Buffer;
}

/**
 * RFC 9110 §14.6: how several ranges of a representation are sent. The boundary is one that the
 * content cannot have foreseen, such as the id of the request. A 206 made of it has no Content-Range
 * of its own (§15.3.7.2).
 */
export function multipartLayout(
  ranges: readonly ByteRange[],
  length: number,
  contentType: string | undefined,
  boundary: string,
): MultipartLayout {
  // RFC 2046 §5.1.1, less what would have to be quoted in the parameter.
  assert(/^[\w-]{1,70}$/.test(boundary));
  // RFC 9110 §15.3.7.2: one part is sent as itself.
  assert(ranges.length > 1);
  const parts = ranges.map(({ first, last }, i) => {
    const type = contentType === undefined ? "" : `Content-Type: ${contentType}\r\n`;
    const delimiter = `${i === 0 ? "" : "\r\n"}--${boundary}\r\n`;
    const range = `Content-Range: ${contentRange(first, last, length)}\r\n\r\n`;
    return { first, last, head: Buffer.from(delimiter + type + range, "latin1") };
  });
  const trailer = Buffer.from(`\r\n--${boundary}--\r\n`, "latin1");
  const bytes = parts.map(({ head, first, last }) => head.length + last - first + 1);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength: bytes.reduce((sum, each) => sum + each, trailer.length),
    parts,
    trailer,
  };
}
