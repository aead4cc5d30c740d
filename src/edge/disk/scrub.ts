import { SLICE_BYTES } from "../limits.ts";
import type { EntryFiles } from "./entry-files.ts";
import type { EntryFolders } from "./entry-folders.ts";
import type { EntryFault } from "./entry-format.ts";
import { entryName, entryPath, FOLDERS, isEntryFile } from "./entry-path.ts";
import { FIRST_READ_BYTES, SCRUB_BYTES_PER_SECOND, SCRUB_FILES_PER_SECOND } from "./limits.ts";
import { type OpenedEntry, openEntry, readBody } from "./open-entry.ts";
import type { RareLog } from "./rare-log.ts";

/** What is scrubbed, how, and whom to tell. */
export interface ScrubParts {
  /** The folder of this version. */
  readonly root: string;
  readonly files: EntryFiles;
  readonly folders: EntryFolders;
  readonly log: RareLog;
  /** Where to begin: not always at the same place, or restarts would leave the last unread. */
  readonly firstFolder: number;
  /** Told by how many bytes less the disk is used. */
  readonly grew: (bytes: number) => void;
}

/** What a scrub has done. */
export interface ScrubCounts {
  checked: number;
  corrupt: number;
}

/** Reads every entry in its turn, slowly, and removes those that are not as they were written. */
export class Scrub {
  readonly counts: ScrubCounts = { checked: 0, corrupt: 0 };
  readonly #parts: ScrubParts;
  #folder: number;
  #names: string[] = [];
  readonly #scratch = Buffer.allocUnsafeSlow(FIRST_READ_BYTES);
  readonly #body = Buffer.allocUnsafeSlow(SLICE_BYTES);

  constructor(parts: ScrubParts) {
    this.#parts = parts;
    this.#folder = parts.firstFolder;
  }

  /** Checks the next entry, and says how long to rest for that, in milliseconds. */
  async next(): Promise<number> {
    const file = this.#names.pop();
    if (file === undefined) return this.#nextFolder();
    const name = `${this.#folderName}${file}`;
    const path = entryPath(this.#parts.root, name);
    const opening = await openEntry(this.#parts.files, path, this.#scratch);
    if (opening.kind === "absent") return 0;
    const fault = opening.kind === "corrupt" ? opening.fault : await this.#check(name, opening);
    this.counts.checked += 1;
    if (fault !== undefined) {
      this.counts.corrupt += 1;
      this.#parts.log.warn("disk entry is corrupt", { name, reason: fault });
      this.#parts.grew(-(await this.#parts.files.remove(path)));
    }
    return restAfter(opening.kind === "entry" ? opening.state.size : 0);
  }

  get #folderName(): string {
    return FOLDERS[this.#folder] ?? "";
  }

  async #nextFolder(): Promise<number> {
    this.#folder = (this.#folder + 1) % FOLDERS.length;
    const names = await this.#parts.folders.names(`${this.#parts.root}/${this.#folderName}`);
    this.#names = names.filter(isEntryFile);
    // Nothing to read is no reason to go round without a rest.
    return 1_000;
  }

  async #check(name: string, opened: OpenedEntry): Promise<EntryFault | undefined> {
    try {
      if (entryName(opened.key) !== name) return "another key";
      const body = this.#body.subarray(0, opened.layout.bodyBytes);
      return await readBody(this.#parts.files, opened, body);
    } finally {
      this.#parts.files.close(opened.fd);
    }
  }
}

function restAfter(bytes: number): number {
  return Math.max(1_000 / SCRUB_FILES_PER_SECOND, (bytes / SCRUB_BYTES_PER_SECOND) * 1_000);
}
