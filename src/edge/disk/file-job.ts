/** What the writing thread is to do with one file. */
export type FileJob =
  /** Write these bytes of the shared memory under the temporary name, then rename. */
  | {
      readonly kind: "write";
      readonly at: number;
      readonly bytes: number;
      readonly temporary: string;
      readonly path: string;
    }
  | { readonly kind: "remove"; readonly path: string };

/** One after the other. */
export interface FileBatch {
  readonly memory: SharedArrayBuffer;
  readonly jobs: readonly FileJob[];
}

/** By how many bytes more, or less, the disk is used for each job; or what the system said. */
export type FileBatchOutcome = readonly (number | FileJobFailure)[];

export interface FileJobFailure {
  readonly code: string | undefined;
  readonly message: string;
}
