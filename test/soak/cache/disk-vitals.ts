import { readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";

/** An entry of the disk tier, by the path of its file; one that was removed and is open ends so. */
const ENTRY = /\/v1\/[0-9a-f]{2}\/[0-9a-f]{30}(?<removed> \(deleted\))?$/;

/** What all files below a folder take. */
export function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      bytes += statSync(join(entry.parentPath, entry.name)).blocks * 512;
    } catch {
      // Gone between the listing and the look.
    }
  }
  return bytes;
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
