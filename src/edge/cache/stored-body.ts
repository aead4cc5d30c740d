import type { OriginFailure, OriginResponse } from "../origin/origin.ts";
import type { Arena } from "./arena.ts";
import type { BodyState } from "./body.ts";
import type { ContentReader } from "./content-reader.ts";

/** Asks the origin for some of a body: what a reader needs of one that is not stored whole. */
export type FetchRange = (
  /** Both positions are inclusive. */
  range: { readonly first: number; readonly last: number },
  /** Further request fields, names and values alternating. */
  fields: readonly string[],
  signal: AbortSignal,
) => Promise<OriginResponse | OriginFailure>;

/** The content of a stored response, as replies are made of it: in one piece, or in slices. */
export interface StoredBody {
  readonly state: BodyState;
  /** What has been written so far; of a whole body, its length. */
  readonly sizeBytes: number;
  /** What of that a store keeps under the response's own key. */
  readonly keptBytes: number;
  /** Whether it can still be read from its first octet. */
  readonly hasBeginning: boolean;
  /** The whole of a small one, for one write; undefined if it is in pieces. */
  single(): Buffer | undefined;
  /** A reader of the octets from `first` up to but not including `end`. */
  read(first?: number, end?: number, fetch?: FetchRange): ContentReader;
  hold(): void;
  release(): void;
  holdInStore(arena: Arena): void;
  releaseFromStore(): void;
}
