import type { FilesystemSpace } from "./entry-folders.ts";
import { EVICTED_SHARE, FREE_BYTES_MIN, FREE_SHARE_MIN, HELD_SHARE, KEPT_SHARE } from "./limits.ts";

/** What the keeper knows when it decides. */
export interface Usage extends FilesystemSpace {
  readonly storedBytes: number;
  readonly bytesMax: number;
}

/** Whether there is room, and if not, why, and how many bytes are too many. */
export type Room =
  | { readonly kind: "enough" }
  | {
      readonly kind: "evict";
      readonly reason: "size" | "free space";
      readonly excessBytes: number;
    };

/** Once it evicts it goes on until there is some room: one entry over the limit is no reason to. */
export function decideRoom(usage: Usage, evicting: boolean): Room {
  const keptShare = evicting ? KEPT_SHARE : 1;
  const least = leastFree(usage);
  const overSize = usage.storedBytes > usage.bytesMax * keptShare;
  const overSpace = usage.freeBytes < least / keptShare;
  if (!overSize && !overSpace) return { kind: "enough" };
  // Others have filled the disk: there is nothing that could be done about it here.
  if (usage.storedBytes === 0) return { kind: "enough" };
  const sizeExcess = usage.storedBytes - usage.bytesMax * KEPT_SHARE;
  const spaceExcess = Math.min(least / KEPT_SHARE - usage.freeBytes, usage.storedBytes);
  return sizeExcess >= spaceExcess
    ? { kind: "evict", reason: "size", excessBytes: Math.round(sizeExcess) }
    : { kind: "evict", reason: "free space", excessBytes: Math.round(spaceExcess) };
}

/** Whether workers are to drop what they would write: evictions do not keep up with them. */
export function decideHold(usage: Usage, held: boolean): boolean {
  const least = leastFree(usage);
  return held
    ? usage.storedBytes > usage.bytesMax || usage.freeBytes < least
    : usage.storedBytes > usage.bytesMax * HELD_SHARE || usage.freeBytes < least / 2;
}

/** An entry's file, as far as eviction goes. */
export interface Candidate {
  readonly bytes: number;
  /** When it was written, or when its use was last noted. */
  readonly mtimeMs: number;
}

/**
 * The least recently used of a sample. Names are hashes: some hundreds, however they were chosen,
 * stand for all, and their oldest quarter is about the oldest quarter of all. No more of it than is
 * too much in all, or than a quarter, unless more of all is too much.
 */
export function decideEviction<C extends Candidate>(
  sample: readonly C[],
  { excessBytes, storedBytes }: { readonly excessBytes: number; readonly storedBytes: number },
): C[] {
  const sampleBytes = sample.reduce((sum, { bytes }) => sum + bytes, 0);
  const share = Math.max(EVICTED_SHARE, excessBytes / storedBytes);
  const enoughBytes = Math.min(excessBytes, sampleBytes * share);
  const victims: C[] = [];
  let freedBytes = 0;
  for (const candidate of sample.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (freedBytes >= enoughBytes) break;
    victims.push(candidate);
    freedBytes += candidate.bytes;
  }
  return victims;
}

/** What is left to others on the filesystem. */
function leastFree({ sizeBytes }: FilesystemSpace): number {
  return Math.min(FREE_BYTES_MIN, sizeBytes * FREE_SHARE_MIN);
}
