import assert from "node:assert/strict";
import { type BodyPart, ContentReader } from "../cache/content-reader.ts";
import type { StoredBody } from "../cache/stored-body.ts";
import { OctetsReader } from "./octets-reader.ts";

/** A body that was read for one reply, where there is no room to keep it. */
export class PassingBody implements StoredBody {
  readonly state = "whole";
  readonly hasBeginning = true;
  readonly keptBytes = 0;
  readonly #octets: Buffer;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get sizeBytes(): number {
    return this.#octets.length;
  }

  single(): Buffer {
    return this.#octets;
  }

  read(first = 0, end = this.#octets.length): ContentReader {
    return new OctetsReader(this.#octets, first, end);
  }

  hold(): void {
    // Whoever refers to it keeps it.
  }

  release(): void {
    // As above.
  }

  holdInStore(): void {
    assert.fail("It is not stored");
  }

  releaseFromStore(): void {
    // As above.
  }
}

const NO_TRAILERS: readonly string[] = [];

/** Reads a range of what is there in one piece. */
class OctetsReader extends ContentReader {
  readonly isRetained = true;
  readonly trailers = NO_TRAILERS;
  readonly holdsUpOthers = false;
  readonly #octets: Buffer;
  readonly #end: number;
  #position: number;

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
    // It always is.
  }

  close(): void {
    // It has nothing to give back.
  }
}
