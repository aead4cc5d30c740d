import { BLOCK_BYTES } from "./limits.ts";

/** What a file takes on the disk, about; an empty one takes its name. */
export function diskBytes(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / BLOCK_BYTES)) * BLOCK_BYTES;
}
