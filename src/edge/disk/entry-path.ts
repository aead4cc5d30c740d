import { hash } from "node:crypto";
import { join } from "node:path";

/** Hexadecimal digits of SHA-256 that name an entry: 128 bits, and the key is in the file. */
const NAME_DIGITS = 32;
const FOLDER_DIGITS = 2;

/**
 * 256 folders. With 1 million entries each has 4,000, which the filesystems' own trees find in two
 * blocks; 65,536 folders of 15 entries would take 256 MiB themselves, and a cold read of a folder
 * before most reads of a file. And a folder of some thousands is a fair sample of all entries.
 */
export const FOLDERS: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  index.toString(16).padStart(FOLDER_DIGITS, "0"),
);

const ENTRY_FILE = /^[0-9a-f]{30}$/;
const TEMPORARY_FOLDER = /^tmp-\d+-\d+$/;

/** The folder of this version of the format. */
export function versionFolder(folder: string): string {
  return join(folder, "v1");
}

/** What an entry is called, wherever it is told of. */
export function entryName(key: string): string {
  return hash("sha256", key, "hex").slice(0, NAME_DIGITS);
}

export function entryPath(root: string, name: string): string {
  return `${root}/${name.slice(0, FOLDER_DIGITS)}/${name.slice(FOLDER_DIGITS)}`;
}

/** Whether we could have written it: somebody may keep other things here. */
export function isEntryFile(file: string): boolean {
  return ENTRY_FILE.test(file);
}

/** Where a worker's unfinished files are. No two have the same: of a dead one all may go. */
export function temporaryFolder(root: string, slot: number, pid: number): string {
  return `${root}/tmp-${slot}-${pid}`;
}

export function isTemporaryFolder(file: string): boolean {
  return TEMPORARY_FOLDER.test(file);
}
