import {
  CHUNK_EXTENSION_BYTES_MAX,
  CHUNK_LINE_BYTES_MAX,
  FIELD_LINES_MAX,
  HEAD_BYTES_MAX,
} from "../../limits.ts";
import { parseFieldLine } from "./field-line.ts";

/** How far a decoder has come. Whatever it has not taken has to be given to it again, with more. */
export type Decoded =
  | { readonly kind: "more"; readonly at: number }
  /** The message ends, and what follows it begins, at `at`. */
  | { readonly kind: "end"; readonly at: number }
  | { readonly kind: "malformed"; readonly reason: string };

const CR = 0x0d;
const LF = 0x0a;

/** RFC 9112 §7.1: chunk-size and chunk-ext, in which white space stands beside ";" and "=" only. */
const CHUNK_LINE =
  /^([\da-f]{1,12})((?:[\t ]*;[\t ]*[!#$%&'*+\-.^`|~\w]+(?:[\t ]*=[\t ]*(?:[!#$%&'*+\-.^`|~\w]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*)$/i;

/** The chunked transfer coding (RFC 9112 §7.1), of one message. */
export class ChunkedDecoder {
  #state: "size" | "data" | "data-end" | "trailers" = "size";
  /** Of the chunk, still to come. */
  #left = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  readonly #trailers: string[] = [];

  /** Trailer fields, names in lower case and values alternating; complete at the end. */
  get trailers(): readonly string[] {
    return this.#trailers;
  }

  /** Decodes what is there from `at` on, and hands content to `take`. Never throws. */
  decode(input: Buffer, at: number, take: (content: Buffer) => void): Decoded {
    let position = at;
    while (position < input.length) {
      if (this.#state === "data") {
        const end = Math.min(input.length, position + this.#left);
        this.#left -= end - position;
        take(input.subarray(position, end));
        position = end;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      const lineEnd = lineEndOf(input, position);
      if (lineEnd === "malformed") return malformed("a bare CR or LF");
      if (lineEnd === undefined) {
        const fault = this.#tooLong(input.length - position);
        return fault === undefined ? { kind: "more", at: position } : malformed(fault);
      }
      const fault = this.#line(input.toString("latin1", position, lineEnd));
      if (fault === "end") return { kind: "end", at: lineEnd + 2 };
      if (fault !== undefined) return malformed(fault);
      position = lineEnd + 2;
    }
    return { kind: "more", at: position };
  }

  /** Takes a line, and answers the fault in it, or "end" after the last one. */
  #line(line: string): string | undefined {
    if (this.#state === "size") return this.#size(line);
    if (this.#state === "trailers") return this.#trailer(line);
    // RFC 9112 §7.1: chunk-data is followed by CRLF and by nothing else.
    if (line !== "") return "a chunk that is longer than it says";
    this.#state = "size";
    return undefined;
  }

  #size(line: string): string | undefined {
    if (line.length > CHUNK_LINE_BYTES_MAX) return "a chunk line that is too long";
    const [, size, extension] = CHUNK_LINE.exec(line) ?? [];
    if (size === undefined || extension === undefined) return "a malformed chunk size or extension";
    this.#extensionBytes += extension.length;
    // RFC 9112 §7.1.1: their total is to be limited.
    if (this.#extensionBytes > CHUNK_EXTENSION_BYTES_MAX) return "too many chunk extensions";
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailers" : "data";
    return undefined;
  }

  #trailer(line: string): string | undefined {
    if (line === "") return "end";
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > HEAD_BYTES_MAX || this.#trailers.length === 2 * FIELD_LINES_MAX) {
      return "too many trailer fields";
    }
    // RFC 9110 §5.5: controls have no place in a field.
    if (/[^\t -~\x80-\xff]/.test(line)) return "a control character in a trailer field";
    return parseFieldLine(line, 0, line.length, this.#trailers)
      ? undefined
      : "a malformed trailer field";
  }

  /** Whether this much of a line without its end is more than any such line has. */
  #tooLong(bytes: number): string | undefined {
    const max = this.#state === "trailers" ? HEAD_BYTES_MAX : CHUNK_LINE_BYTES_MAX;
    // The last of these octets may be the CR.
    return bytes > max + 1 ? "a line that is too long" : undefined;
  }
}

/** Where the CRLF of the line from `at` stands; RFC 9112 §2.2: a CR or LF alone ends nothing. */
function lineEndOf(input: Buffer, at: number): number | "malformed" | undefined {
  const lf = input.indexOf(LF, at);
  const cr = input.indexOf(CR, at);
  if (lf < 0) return cr < 0 || cr === input.length - 1 ? undefined : "malformed";
  return cr >= 0 && cr === lf - 1 ? cr : "malformed";
}

function malformed(reason: string): Decoded {
  return { kind: "malformed", reason };
}
