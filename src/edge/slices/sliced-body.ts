import type { ContentReader } from "../cache/content-reader.ts";
import type { FetchRange, StoredBody } from "../cache/stored-body.ts";
import type { SliceSource } from "./slice-source.ts";
import { SlicedReader } from "./sliced-reader.ts";

/**
 * A body that is kept in slices, each of which may be there or not. It holds none of them: they come
 * and go by themselves, and what is missing is fetched when it is read.
 */
export class SlicedBody implements StoredBody {
  readonly state = "whole";
  readonly hasBeginning = true;
  readonly keptBytes = 0;
  readonly source: SliceSource;

  constructor(source: SliceSource) {
    this.source = source;
  }

  get sizeBytes(): number {
    return this.source.identity.length;
  }

  single(): undefined {
    return undefined;
  }

  read(first = 0, end = this.sizeBytes, fetch?: FetchRange): ContentReader {
    return new SlicedReader(this.source, first, Math.min(end, this.sizeBytes), fetch);
  }

  hold(): void {
    // Slices are held by who reads them.
  }

  release(): void {
    // As above.
  }

  holdInStore(): void {
    // As above.
  }

  releaseFromStore(): void {
    // As above.
  }
}
