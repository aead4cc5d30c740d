import { type BodyPart, ContentReader } from "../cache/content-reader.ts";

const NO_TRAILERS: readonly string[] = [];

/** Reads octets that are all there. */
export class OctetsReader extends ContentReader {
  readonly isRetained = true;
  readonly holdsUpOthers = false;
  readonly trailers = NO_TRAILERS;
  readonly #octets: Buffer;
  readonly #end: number;
  #position: number;

  /** Those from `first` up to but not including `end`. */
  constructor(octets: Buffer, first: number, end: number) {
    super();
    this.#octets = octets;
    this.#position = first;
    this.#end = Math.min(end, octets.length);
  }

  get position(): number {
    return this.#position;
  }

  read(): BodyPart {
    if (this.#position >= this.#end) return "end";
    const part = this.#octets.subarray(this.#position, this.#end);
    this.#position = this.#end;
    return part;
  }

  whenReadable(): void {
    // It is always.
  }

  close(): void {
    // Nothing is held.
  }
}
