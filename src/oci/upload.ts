import type { Algorithm } from "./digest.ts";

/** A blob upload session (distribution specification, "Pushing a blob in chunks"). */
export interface Upload {
  readonly id: string;
  readonly repositoryId: number;
  /** What its client said that the digest will be of. */
  readonly algorithm: Algorithm;
}

/** An upload's file, open for one writer. */
export interface UploadFile extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Writes at the end. */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** What was appended survives a power cut once this returns. */
  sync(): Promise<void>;
  /** Forgets what is beyond. */
  truncate(sizeBytes: number): Promise<void>;
  read(): AsyncIterable<Uint8Array>;
}

/** Port: the files of uploads under way. */
export interface UploadFiles {
  create(id: string): Promise<void>;
  /** Undefined: there is none. */
  open(id: string): Promise<UploadFile | undefined>;
  sizeBytes(id: string): Promise<number | undefined>;
  remove(id: string): Promise<void>;
  /** Removes files of uploads that are no more. @returns how many */
  sweep(isOpen: (id: string) => boolean): Promise<number>;
}
