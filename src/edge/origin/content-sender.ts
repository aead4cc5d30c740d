import type { RequestContent } from "../request-content.ts";
import { trailerFields } from "./trailer-fields.ts";

/** Content on its way to an origin. */
export interface OutgoingContent {
  readonly content: RequestContent;
  /** "unknown": it goes in chunks (RFC 9112 §7.1). */
  readonly length: number | "unknown";
}

/** Where content is written to. */
export interface ContentSink {
  readonly isOpen: boolean;
  /** Parts of octets and of text, one octet a character, which leave together. */
  write(parts: readonly (Buffer | string)[]): void;
  /** Resolves when there is room for more, or never will be. */
  room(): Promise<void>;
}

/**
 * Writes content as it comes, no faster than it is taken, and says whether all of it was written.
 * @throws ContentBroken when the client left before its end
 */
export async function sendContent(
  { content, length }: OutgoingContent,
  sink: ContentSink,
): Promise<boolean> {
  const isChunked = length === "unknown";
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    // What is beyond its length would be another request.
    if (!sink.isOpen || (!isChunked && bytes > length)) return false;
    sink.write(isChunked ? [`${chunk.length.toString(16)}\r\n`, chunk, "\r\n"] : [chunk]);
    await sink.room();
  }
  if (!sink.isOpen) return false;
  if (isChunked) sink.write([`0\r\n${trailerLines(content.trailers)}\r\n`]);
  return isChunked || bytes === length;
}

/** RFC 9112 §7.1.2. */
function trailerLines(trailers: readonly string[]): string {
  const fields = trailerFields(trailers);
  let lines = "";
  for (let i = 0; i < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return lines;
}
