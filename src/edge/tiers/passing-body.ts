import assert from "node:assert/strict";
import type { ContentReader } from "../cache/content-reader.ts";
import type { StoredBody } from "../cache/stored-body.ts";
import { FileBody } from "../disk/file-body.ts";
import { FileReader } from "./file-reader.ts";
import { OctetsReader } from "./octets-reader.ts";

/** A body that is read for one reply, where there is no room to keep it. */
export class PassingBody implements StoredBody {
  readonly state = "whole";
  readonly hasBeginning = true;
  readonly keptBytes = 0;
  readonly #octets: Buffer | FileBody;

  constructor(octets: Buffer | FileBody) {
    this.#octets = octets;
  }

  get sizeBytes(): number {
    return this.#octets.length;
  }

  single(): Buffer | undefined {
    return this.#octets instanceof FileBody ? undefined : this.#octets;
  }

  /** All of it in memory; undefined: that would take too long, or cannot be. */
  whole(): Buffer | undefined {
    return this.#octets instanceof FileBody ? this.#octets.whole() : this.#octets;
  }

  read(first = 0, end = this.#octets.length): ContentReader {
    const octets = this.#octets;
    return octets instanceof FileBody
      ? new FileReader(octets, first, end)
      : new OctetsReader(octets, first, end);
  }

  /** Of octets in memory, whoever refers to them keeps them. */
  hold(): void {
    if (this.#octets instanceof FileBody) this.#octets.hold();
  }

  release(): void {
    if (this.#octets instanceof FileBody) this.#octets.release();
  }

  holdInStore(): void {
    assert.fail("It is not stored");
  }

  releaseFromStore(): void {
    // As above.
  }
}
