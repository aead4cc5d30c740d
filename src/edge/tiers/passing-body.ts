import assert from "node:assert/strict";
import type { ContentReader } from "../cache/content-reader.ts";
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
