import { mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { isAbsence } from "./entry-files.ts";

/** A filesystem's space: what of it may still be taken, and all. */
export interface FilesystemSpace {
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** Port: the folders that entries are in. What the system says is thrown. */
export interface EntryFolders {
  make(path: string): Promise<void>;
  /** Names in no order; none, if there is no such folder. */
  names(path: string): Promise<readonly string[]>;
  /** Undefined: there is none. */
  state(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined>;
  /** Removes a folder with all that is in it, if it is there. */
  remove(path: string): Promise<void>;
  space(path: string): Promise<FilesystemSpace>;
}

/** Those of the local disk. */
export const localFolders: EntryFolders = {
  make: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  names: async (path) => (await unlessAbsent(readdir(path))) ?? [],
  state: (path) => unlessAbsent(stat(path)),
  remove: (path) => rm(path, { recursive: true, force: true }),
  space: async (path) => {
    const { bavail, blocks, bsize } = await statfs(path);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  },
};

async function unlessAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
