import type { MultipartLayout } from "#http/multipart-ranges.ts";
import type { ByteRange } from "#http/range.ts";
import { type BodyPart, ContentReader } from "./cache/content-reader.ts";

const NO_TRAILERS: readonly string[] = [];

/** Reads several ranges of a body as multipart/byteranges, one after another. */
export class MultipartReader extends ContentReader {
  readonly #layout: MultipartLayout;
  readonly #open: (range: ByteRange) => ContentReader;
  /** The part that comes next. */
  #next = 0;
  #reader: ContentReader | undefined;
  #position = 0;
  #isDone = false;
  #onReadable: (() => void) | undefined;

  /** `open` reads one range of the body. */
  constructor(layout: MultipartLayout, open: (range: ByteRange) => ContentReader) {
    super();
    this.#layout = layout;
    this.#open = open;
  }

  get position(): number {
    return this.#position;
  }

  get isRetained(): boolean {
    return this.#reader?.isRetained ?? false;
  }

  get trailers(): readonly string[] {
    return NO_TRAILERS;
  }

  get holdsUpOthers(): boolean {
    return this.#reader?.holdsUpOthers ?? false;
  }

  read(): BodyPart {
    for (;;) {
      if (this.#reader === undefined) return this.#begin();
      const part = this.#reader.read();
      if (part === "end") {
        this.#reader.close();
        this.#reader = undefined;
        continue;
      }
      return typeof part === "string" ? part : this.#counted(part);
    }
  }

  whenReadable(callback: () => void): void {
    this.#onReadable = callback;
    this.#reader?.whenReadable(callback);
  }

  close(): void {
    this.#onReadable = undefined;
    this.#reader?.close();
    this.#reader = undefined;
    this.#isDone = true;
  }

  /** The head of the next part, or what comes after the last. */
  #begin(): BodyPart {
    if (this.#isDone) return "end";
    const part = this.#layout.parts[this.#next];
    if (part === undefined) {
      this.#isDone = true;
      return this.#counted(this.#layout.trailer);
    }
    this.#next += 1;
    this.#reader = this.#open(part);
    if (this.#onReadable !== undefined) this.#reader.whenReadable(this.#onReadable);
    return this.#counted(part.head);
  }

  #counted(octets: Buffer): Buffer {
    this.#position += octets.length;
    return octets;
  }
}
