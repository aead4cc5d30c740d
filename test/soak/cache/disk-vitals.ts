import { readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";

/** An entry of the disk tier, by the path of its file; one that was removed and is open ends so. */
const ENTRY = /\/v1\/[0-9a-f]{2}\/[0-9a-f]{30}(?<removed> \(deleted\))?$/;

/** What all files below a folder take. */
export function bytesBelow(folder: string): number {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.reduce((bytes, entry) => {
      const path = join(folder, entry.name);
      return bytes + (entry.isDirectory() ? bytesBelow(path) : bytesOf(path));
    }, 0);
  } catch (error) {
    return absent(error);
  }
}

function bytesOf(file: string): number {
  try {
    return statSync(file).blocks * 512;
  } catch (error) {
    return absent(error);
  }
}

/** Gone between the listing and the look. */
function absent(error: unknown): 0 {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
  throw error;
}

/** Whether an open file, by its name, is an entry of the disk tier. */
export function isEntry(name: string): boolean {
  return ENTRY.test(name);
}

/** Entries that a process keeps open, and of those the ones that were removed. */
export function openEntries(pid: number): { readonly all: number; readonly removed: number } {
  const folder = `/proc/${pid}/fd`;
  const found = { all: 0, removed: 0 };
  for (const fd of readdirSync(folder)) {
    try {
      const match = ENTRY.exec(readlinkSync(join(folder, fd)));
      if (match === null) continue;
      found.all += 1;
      if (match.groups?.["removed"] !== undefined) found.removed += 1;
    } catch {
      // Closed between the listing and the look.
    }
  }
  return found;
}
