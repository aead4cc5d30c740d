import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { type EntryFiles, localFiles } from "./entry-files.ts";
import { type EntryFolders, localFolders } from "./entry-folders.ts";
import { isTemporaryFolder, temporaryFolder, versionFolder } from "./entry-path.ts";
import { Evictor, type Visit } from "./evictor.ts";
import { KEEPER_PAUSE_MS, VISIT_INTERVAL_MS } from "./limits.ts";
import {
  type ListedEntry,
  type ListingEnd,
  type ListingTerms,
  listEntries,
} from "./list-entries.ts";
import { RareLog } from "./rare-log.ts";
import { Repeated } from "./repeated.ts";
import { Scrub, type ScrubCounts } from "./scrub.ts";

/** What a keeper is made of. */
export interface DiskKeeperParts {
  readonly folder: string;
  readonly bytesMax: number;
  /** A monotonic one. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Told when workers are to begin, or to end, dropping what they would write. */
  readonly hold: (held: boolean) => void;
  /** The first of 256 folders to be scrubbed: any. */
  readonly firstScrubbed: number;
  /** Lets time pass; absent: that of the system. */
  readonly pause?: (ms: number) => Promise<void>;
  readonly files?: EntryFiles;
  readonly folders?: EntryFolders;
}

/** What is stored, about, and what the keeper has done. */
export interface DiskKeeperStats {
  readonly entries: number;
  readonly bytes: number;
  readonly evictedEntries: number;
  readonly evictedBytes: number;
  readonly scrub: Readonly<ScrubCounts>;
  /** Workers write nothing: the disk is too full. */
  readonly held: boolean;
}

/**
 * The disk tier as the parent of the workers has it: it keeps the folder within its limits, reads
 * through it for what has decayed, and clears up after workers that are gone. It has no index: a
 * million entries cost it neither memory nor time to start.
 */
export class DiskKeeper {
  readonly #parts: DiskKeeperParts;
  readonly #root: string;
  readonly #files: EntryFiles;
  readonly #folders: EntryFolders;
  readonly #log: RareLog;
  readonly #evictor: Evictor;
  readonly #scrub: Scrub;
  readonly #visiting = new Repeated(() => this.#visitAndRest());
  readonly #scrubbing = new Repeated(() => this.#scrubAndRest());
  #evictedEntries = 0;
  #evictedBytes = 0;

  constructor(parts: DiskKeeperParts) {
    const { files = localFiles, folders = localFolders, pause = passingTime } = parts;
    const { bytesMax, hold, firstScrubbed } = parts;
    const root = versionFolder(parts.folder);
    this.#parts = parts;
    this.#root = root;
    this.#files = files;
    this.#folders = folders;
    this.#log = new RareLog(parts.log, parts.clock);
    this.#evictor = new Evictor({
      root,
      bytesMax,
      files,
      folders,
      pause,
      hold: (held) => {
        const bytes = this.#evictor.size.bytes;
        if (held) this.#log.warn("disk writes are held: it is too full", { bytes });
        hold(held);
      },
    });
    this.#scrub = new Scrub({
      root,
      files,
      folders,
      firstFolder: firstScrubbed,
      log: this.#log,
      grew: (bytes) => this.grew(bytes),
    });
  }

  /**
   * Makes the folder, and removes what a crash has left over. To be called before there are workers.
   * @throws Error when the folder cannot be made or read
   */
  async prepare(): Promise<void> {
    await this.#folders.make(this.#root);
    for (const name of await this.#folders.names(this.#root)) {
      if (isTemporaryFolder(name)) await this.#folders.remove(`${this.#root}/${name}`);
    }
  }

  /** Goes on by itself from now on. */
  start(): void {
    this.#visiting.start();
    this.#scrubbing.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.#visiting.stop(), this.#scrubbing.stop()]);
  }

  /** A worker has told by how many bytes more, or less, it has the disk used. */
  grew(bytes: number): void {
    this.#evictor.size.grew(bytes);
    if (this.#evictor.size.bytes > this.#parts.bytesMax) this.#visiting.hasten();
  }

  /** A worker has ended, as it may: what it was writing is removed. */
  async workerGone(slot: number, pid: number): Promise<void> {
    await this.#folders.remove(temporaryFolder(this.#root, slot, pid));
  }

  /** Counts the next of the folders, and evicts if there is too much. */
  async visit(): Promise<Visit> {
    const visit = await this.#evictor.visit();
    this.#evictedEntries += visit.evictedEntries;
    this.#evictedBytes += visit.evictedBytes;
    return visit;
  }

  /** Checks the next of the entries, and says how many milliseconds to rest for that. */
  scrubNext(): Promise<number> {
    return this.#scrub.next();
  }

  /** Entries that match, within limits, read from their heads alone. */
  list(terms: ListingTerms): AsyncGenerator<ListedEntry, ListingEnd> {
    const { clock } = this.#parts;
    return listEntries(
      { root: this.#root, files: this.#files, folders: this.#folders, clock },
      terms,
    );
  }

  stats(): DiskKeeperStats {
    return {
      entries: this.#evictor.size.entries,
      bytes: this.#evictor.size.bytes,
      evictedEntries: this.#evictedEntries,
      evictedBytes: this.#evictedBytes,
      scrub: this.#scrub.counts,
      held: this.#evictor.held,
    };
  }

  async #visitAndRest(): Promise<number> {
    try {
      const { room } = await this.visit();
      if (room === "evict") return 0;
      return this.#evictor.size.complete ? VISIT_INTERVAL_MS : KEEPER_PAUSE_MS;
    } catch (error) {
      this.#log.warn("disk folder cannot be looked at", { err: error });
      return VISIT_INTERVAL_MS;
    }
  }

  async #scrubAndRest(): Promise<number> {
    try {
      return await this.#scrub.next();
    } catch (error) {
      this.#log.warn("disk read failed", { err: error });
      return VISIT_INTERVAL_MS;
    }
  }
}

/** No process stays for it. */
async function passingTime(ms: number): Promise<void> {
  await delay(ms, undefined, { ref: false });
}
