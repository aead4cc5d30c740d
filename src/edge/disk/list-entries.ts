import type { Clock } from "#clock.ts";
import { diskBytes } from "./disk-bytes.ts";
import type { EntryFiles } from "./entry-files.ts";
import type { EntryFolders } from "./entry-folders.ts";
import { FOLDERS, isEntryFile } from "./entry-path.ts";
import { HEAD_READ_BYTES, LISTED_AT_ONCE } from "./limits.ts";
import { openEntry } from "./open-entry.ts";

/** Where entries are, and how they are looked at. */
export interface ListingParts {
  /** The folder of this version. */
  readonly root: string;
  readonly files: EntryFiles;
  readonly folders: EntryFolders;
  /** A monotonic one. */
  readonly clock: Clock;
}

/** Which entries are wanted, and for how long, and how many. */
export interface ListingTerms {
  /** The head is a view that is overwritten later. */
  readonly matches: (key: string, head: Buffer) => boolean;
  readonly entriesMax: number;
  readonly timeMs: number;
}

export interface ListedEntry {
  readonly key: string;
  readonly head: Buffer;
  readonly bodyBytes: number;
  /** What its file takes. */
  readonly diskBytes: number;
}

/** Why a listing ended: all was looked at, enough was found, or it took too long. */
export type ListingEnd = "all" | "limit" | "time";

/** Entries that match, in no order, read from their heads alone. What cannot be read is not listed. */
export async function* listEntries(
  parts: ListingParts,
  terms: ListingTerms,
): AsyncGenerator<ListedEntry, ListingEnd> {
  const until = parts.clock.now() + terms.timeMs;
  const scratches = Array.from({ length: LISTED_AT_ONCE }, () =>
    Buffer.allocUnsafeSlow(HEAD_READ_BYTES),
  );
  let listed = 0;
  for (const folder of FOLDERS) {
    const path = `${parts.root}/${folder}`;
    const names = (await parts.folders.names(path)).filter(isEntryFile);
    for (let i = 0; i < names.length; i += scratches.length) {
      if (parts.clock.now() >= until) return "time";
      const reads = scratches.map(async (scratch, at) => {
        const name = names[i + at];
        if (name === undefined) return undefined;
        return readListed(parts, `${path}/${name}`, scratch, terms);
      });
      for (const entry of await Promise.all(reads)) {
        if (entry === undefined) continue;
        if (listed === terms.entriesMax) return "limit";
        listed += 1;
        yield entry;
      }
    }
  }
  return "all";
}

async function readListed(
  { files }: ListingParts,
  path: string,
  scratch: Buffer,
  { matches }: ListingTerms,
): Promise<ListedEntry | undefined> {
  try {
    const opening = await openEntry(files, path, scratch);
    if (opening.kind !== "entry") return undefined;
    const { fd, key, head, layout, state } = opening;
    files.close(fd);
    if (!matches(key, head)) return undefined;
    return {
      key,
      head: Buffer.from(head),
      bodyBytes: layout.bodyBytes,
      diskBytes: diskBytes(state.size),
    };
  } catch {
    // A worker that reads it tells of it.
    return undefined;
  }
}
