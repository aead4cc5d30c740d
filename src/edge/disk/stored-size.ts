import { FOLDERS } from "./entry-path.ts";

/** What one folder was last seen to hold. */
interface Seen {
  readonly entries: number;
  readonly bytes: number;
  /** What workers had written in all by then. */
  readonly writtenBytes: number;
}

/**
 * How much is stored, without an index: each folder as it was last seen, and since then its share
 * of what workers wrote. Names are hashes, so that a folder not yet seen is like those that were.
 */
export class StoredSize {
  readonly #seen: (Seen | undefined)[] = FOLDERS.map(() => undefined);
  #writtenBytes = 0;

  /** Told by how many bytes more, or less, workers have the disk used. */
  grew(bytes: number): void {
    this.#writtenBytes += bytes;
  }

  /** A folder was counted. */
  saw(folder: number, entries: number, bytes: number): void {
    this.#seen[folder] = { entries, bytes, writtenBytes: this.#writtenBytes };
  }

  /** Entries of a folder were evicted. */
  evicted(folder: number, entries: number, bytes: number): void {
    const seen = this.#seen[folder];
    if (seen === undefined) return;
    const { writtenBytes } = seen;
    this.#seen[folder] = {
      entries: seen.entries - entries,
      bytes: seen.bytes - bytes,
      writtenBytes,
    };
  }

  /** Whether every folder was seen. */
  get complete(): boolean {
    return this.#seen.every((seen) => seen !== undefined);
  }

  get bytes(): number {
    return this.#extrapolated(
      ({ bytes, writtenBytes }) => bytes + (this.#writtenBytes - writtenBytes) / FOLDERS.length,
    );
  }

  /** What was written since a folder was seen is not among them. */
  get entries(): number {
    return this.#extrapolated(({ entries }) => entries);
  }

  #extrapolated(of: (seen: Seen) => number): number {
    let sum = 0;
    let count = 0;
    for (const seen of this.#seen) {
      if (seen === undefined) continue;
      sum += of(seen);
      count += 1;
    }
    return count === 0 ? 0 : Math.max(0, Math.round((sum / count) * FOLDERS.length));
  }
}
