import { type BodyPart, ContentReader, type Room } from "../cache/content-reader.ts";
import type { FetchRange } from "../cache/stored-body.ts";
import { SLICE_BYTES } from "../limits.ts";
import { SLICE_RUN_FAILURES_MAX } from "./limits.ts";
import type { SliceRun } from "./slice-run.ts";
import type { SliceSource } from "./slice-source.ts";

const NO_TRAILERS: readonly string[] = [];

/**
 * One reader's way through the slices of a body: each from where it is, in memory, on disk, on its way,
 * or still at the origin. A fetch that breaks off is taken up again at the octet where it ended.
 */
export class SlicedReader extends ContentReader {
  readonly #source: SliceSource;
  readonly #end: number;
  readonly #fetch: FetchRange | undefined;
  #position: number;
  /** The slice that is being read. */
  #slice: ContentReader | undefined;
  /** The fetch that is waited for. */
  #run: SliceRun | undefined;
  #failures = 0;
  /** What it has told once is so for good: whoever is told may need a moment until it closes. */
  #isTruncated = false;
  #onReadable: (() => void) | undefined;
  readonly #wake = (): void => this.#onReadable?.();

  constructor(source: SliceSource, first: number, end: number, fetch: FetchRange | undefined) {
    super();
    this.#source = source;
    this.#position = first;
    this.#end = end;
    this.#fetch = fetch;
    source.opened(this.#wake);
  }

  get position(): number {
    return this.#position;
  }

  /** A slice that has been read may be evicted: what was read of it has to be written, or copied. */
  get isRetained(): boolean {
    return this.#slice?.isRetained ?? false;
  }

  get trailers(): readonly string[] {
    return NO_TRAILERS;
  }

  get holdsUpOthers(): boolean {
    return this.#slice?.holdsUpOthers ?? false;
  }

  read(room?: Room): BodyPart {
    const part = this.#isTruncated ? "truncated" : this.#next(room);
    if (part === "truncated") this.#isTruncated = true;
    return part;
  }

  whenReadable(callback: () => void): void {
    this.#onReadable = callback;
    this.#slice?.whenReadable(this.#wake);
  }

  close(): void {
    this.#onReadable = undefined;
    this.#closeSlice();
    this.#source.closed(this.#wake);
  }

  #next(room: Room | undefined): BodyPart {
    while (this.#position < this.#end) {
      const slice = this.#slice ?? this.#nextSlice();
      if (typeof slice === "string") return slice;
      const part = slice.read(room);
      if (typeof part !== "string") {
        this.#position += part.length;
        return part;
      }
      if (part === "pending") return part;
      this.#closeSlice();
      if (part === "end") this.#failures = 0;
      else if (!this.#mayTryAgain()) return "truncated";
    }
    return "end";
  }

  /** Opens the slice that has the next octet, or says why there is none. */
  #nextSlice(): ContentReader | "pending" | "truncated" {
    if (this.#run?.state === "failed") {
      this.#run = undefined;
      if (!this.#mayTryAgain()) return "truncated";
    }
    const found = this.#source.find(this.#position, this.#end, this.#fetch);
    if (found.kind === "gone") return "truncated";
    if (found.kind === "looking") return "pending";
    if (found.kind === "coming") {
      this.#run = found.run;
      return "pending";
    }
    this.#run = undefined;
    const begin = this.#position - (this.#position % SLICE_BYTES);
    this.#slice = found.body.read(this.#position - begin, Math.min(this.#end - begin, SLICE_BYTES));
    this.#slice.whenReadable(this.#wake);
    return this.#slice;
  }

  #mayTryAgain(): boolean {
    this.#failures += 1;
    return this.#failures <= SLICE_RUN_FAILURES_MAX;
  }

  #closeSlice(): void {
    this.#slice?.close();
    this.#slice = undefined;
  }
}
