import {
  type Candidate,
  decideEviction,
  decideHold,
  decideRoom,
  type Room,
  type Usage,
} from "./decide-eviction.ts";
import { diskBytes } from "./disk-bytes.ts";
import type { EntryFiles } from "./entry-files.ts";
import type { EntryFolders } from "./entry-folders.ts";
import { FOLDERS, isEntryFile } from "./entry-path.ts";
import { EVICTION_SAMPLE, KEEPER_BATCH, KEEPER_PAUSE_MS } from "./limits.ts";
import { StoredSize } from "./stored-size.ts";

/** Where entries are, how they are looked at, and what is done with what is found. */
export interface EvictorParts {
  /** The folder of this version. */
  readonly root: string;
  readonly bytesMax: number;
  readonly files: EntryFiles;
  readonly folders: EntryFolders;
  /** Resolves after this time: other work has its turn. */
  readonly pause: (ms: number) => Promise<void>;
  /** Told when workers are to begin, or to end, dropping what they would write. */
  readonly hold: (held: boolean) => void;
}

/** What one visit found. */
export interface Visit {
  readonly room: Room["kind"];
  readonly evictedEntries: number;
  readonly evictedBytes: number;
}

/** An entry's file in its folder. */
interface Found extends Candidate {
  readonly folder: number;
  readonly path: string;
}

/**
 * Keeps what is stored below its limits: it goes round the folders, counts each, and while there is
 * too much evicts the oldest of some hundreds of files at a time. Nothing is remembered of a file.
 */
export class Evictor {
  readonly size = new StoredSize();
  readonly #parts: EvictorParts;
  #folder = 0;
  #evicting = false;
  #held = false;
  /** Seen since the last eviction, while there is too much. */
  #sample: Found[] = [];
  #sampledFolders = 0;
  #done = 0;

  constructor(parts: EvictorParts) {
    this.#parts = parts;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Counts the next folder, and evicts if there is too much and enough was seen to choose from. */
  async visit(): Promise<Visit> {
    const folder = this.#folder;
    this.#folder = (folder + 1) % FOLDERS.length;
    const found = await this.#look(folder);
    this.size.saw(folder, found.length, bytesOf(found));
    const usage = await this.#usage();
    const room = decideRoom(usage, this.#evicting);
    this.#evicting = room.kind === "evict";
    this.#decideHold(usage);
    if (room.kind === "enough") {
      this.#sample = [];
      this.#sampledFolders = 0;
      return { room: room.kind, evictedEntries: 0, evictedBytes: 0 };
    }
    this.#sample.push(...found);
    this.#sampledFolders += 1;
    const seenAll = this.#sampledFolders === FOLDERS.length;
    if (this.#sample.length < EVICTION_SAMPLE && !seenAll) {
      return { room: room.kind, evictedEntries: 0, evictedBytes: 0 };
    }
    const victims = decideEviction(this.#sample, { ...usage, ...room });
    this.#sample = [];
    this.#sampledFolders = 0;
    await this.#evict(victims);
    const evicted = { evictedEntries: victims.length, evictedBytes: bytesOf(victims) };
    return { room: room.kind, ...evicted };
  }

  async #look(folder: number): Promise<Found[]> {
    const path = `${this.#parts.root}/${FOLDERS[folder] ?? ""}`;
    const found: Found[] = [];
    for (const name of await this.#parts.folders.names(path)) {
      if (!isEntryFile(name)) continue;
      const file = `${path}/${name}`;
      const state = await this.#parts.folders.state(file);
      await this.#breathe();
      // Removed or replaced in the meantime, by a worker.
      if (state === undefined) continue;
      found.push({ folder, path: file, bytes: diskBytes(state.size), mtimeMs: state.mtimeMs });
    }
    return found;
  }

  async #usage(): Promise<Usage> {
    const { root, bytesMax, folders } = this.#parts;
    return { storedBytes: this.size.bytes, bytesMax, ...(await folders.space(root)) };
  }

  #decideHold(usage: Usage): void {
    const held = decideHold(usage, this.#held);
    if (held === this.#held) return;
    this.#held = held;
    this.#parts.hold(held);
  }

  async #evict(victims: readonly Found[]): Promise<void> {
    for (const { folder, path } of victims) {
      const bytes = await this.#parts.files.remove(path);
      this.size.evicted(folder, 1, bytes);
      await this.#breathe();
    }
  }

  /** In haste other work has its turn too, but no time of its own. */
  async #breathe(): Promise<void> {
    this.#done += 1;
    if (this.#done % KEEPER_BATCH !== 0) return;
    await this.#parts.pause(this.#evicting ? 0 : KEEPER_PAUSE_MS);
  }
}

function bytesOf(files: readonly Candidate[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
