import type { MultipartLayout } from "#http/multipart-ranges.ts";
import type { ByteRange } from "#http/range.ts";
import { type BodyPart, ContentReader, type Room } from "./cache/content-reader.ts";
import type { StoredBody } from "./cache/stored-body.ts";

const NO_TRAILERS: readonly string[] = [];

/** Reads several ranges of a body as multipart/byteranges, one after another. */
export class MultipartReader extends ContentReader {
  readonly #layout: MultipartLayout;
  readonly #body: Pick<StoredBody, "hold" | "release">;
  readonly #open: (range: ByteRange) => ContentReader;
  /** The part that comes next. */
  #next = 0;
  #reader: ContentReader | undefined;
  #position = 0;
  #isDone = false;
  #isClosed = false;
  #onReadable: (() => void) | undefined;

  /** `open` reads one range of the body, which is held until the last of them was read. */
  constructor(
    layout: MultipartLayout,
    body: Pick<StoredBody, "hold" | "release">,
    open: (range: ByteRange) => ContentReader,
  ) {
    super();
    this.#layout = layout;
    this.#body = body;
    this.#open = open;
    body.hold();
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

  read(room?: Room): BodyPart {
    for (;;) {
      if (this.#reader === undefined) return this.#begin();
      const part = this.#reader.read(room);
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#body.release();
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
