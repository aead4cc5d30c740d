/** Where a chunk of an upload belongs (distribution specification, "Pushing a blob in chunks"). */
interface Chunk {
  readonly first: number;
  readonly last: number;
}

export type ChunkDecision =
  /** Without a Content-Range: it is what comes next, as docker sends it. */
  | { readonly kind: "append"; readonly bytes: number | undefined }
  | { readonly kind: "out-of-order" }
  | { readonly kind: "malformed"; readonly why: string };

/** @param sizeBytes what the upload has so far */
export function decideChunk(
  contentRange: string | undefined,
  contentLength: number | undefined,
  sizeBytes: number,
): ChunkDecision {
  if (contentRange === undefined) return { kind: "append", bytes: contentLength };
  const chunk = parseChunk(contentRange);
  if (chunk === undefined) {
    return { kind: "malformed", why: "Content-Range is the chunk's first and last position: 0-99" };
  }
  const bytes = chunk.last - chunk.first + 1;
  if (contentLength !== undefined && contentLength !== bytes) {
    const why = `Content-Range is of ${bytes} bytes, Content-Length of ${contentLength}`;
    return { kind: "malformed", why };
  }
  if (chunk.first !== sizeBytes) return { kind: "out-of-order" };
  return { kind: "append", bytes };
}

/** Not RFC 9110's: neither a unit nor the length of the whole. */
function parseChunk(field: string): Chunk | undefined {
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(field) ?? [];
  if (first === undefined || Number(last) < Number(first)) return undefined;
  return { first: Number(first), last: Number(last) };
}

/** The `Range` that an upload answers with. Docker's registry has `0-0` for nothing as for one byte. */
export function receivedRange(sizeBytes: number): string {
  return `0-${Math.max(0, sizeBytes - 1)}`;
}
