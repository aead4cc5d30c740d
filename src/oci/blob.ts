import type { Digest } from "./digest.ts";

/** A blob that a repository may read. */
export interface StoredBlob {
  readonly sizeBytes: number;
  /** Until then it stays although no manifest uses it. Milliseconds since the epoch. */
  readonly protectedUntil: number;
  /** The token that it is kept for, or `*`. */
  readonly protectedFor: string;
}

/** An open blob, as long as its row says. Disposing of it closes the file, not what is being read. */
export interface OpenBlob extends AsyncDisposable {
  /** Positions are inclusive. */
  read(first: number, last: number): AsyncIterable<Uint8Array>;
  /** Into a buffer of the caller's. @returns how many octets there were */
  readInto(buffer: Uint8Array, bytes: number, position: number): Promise<number>;
}

/** What happened to a file that an upload left: its row is there, or it is gone again. */
interface Recorded<T> {
  readonly kept: boolean;
  readonly value: T;
}

/**
 * Port: the files of blobs, one for a digest. What happens to one digest happens in turn: a file is
 * never put in place while a collector takes it away.
 */
export interface BlobFiles {
  /** Undefined: there is none, or it is not as long as that. */
  open(digest: Digest, sizeBytes: number): Promise<OpenBlob | undefined>;
  /** Whether it is there and as long as that. */
  isWhole(digest: Digest, sizeBytes: number): Promise<boolean>;
  /**
   * Puts an upload's file, which is synced, in the digest's place, then records it. What was there
   * is replaced: it has the same octets, or has gone bad. Without a record the file goes again,
   * unless `isUsed` says that others have it.
   */
  commit<T>(
    uploadId: string,
    digest: Digest,
    record: () => Promise<Recorded<T>>,
    isUsed: () => boolean,
  ): Promise<T>;
  /**
   * Removes a file whose row is gone. `isUsed` is asked when nobody else is at that digest: an upload
   * may have brought it again. @returns the octets that the disk got back
   */
  remove(digest: Digest, isUsed: () => boolean): Promise<number>;
  /** Every file there is, in no order, a folder read at a time. */
  list(): AsyncIterable<Digest>;
}
