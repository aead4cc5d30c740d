import { readFileSync } from "node:fs";
import { OPEN_FILES_DEFAULT, OPEN_FILES_MAX, OPEN_FILES_SHARE_MAX } from "./limits.ts";

/** How many files a disk tier may keep open, of all that this process may. */
export function openFilesAllowed(): number {
  try {
    return openFilesShare(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    // Only Linux says it so.
    return OPEN_FILES_DEFAULT;
  }
}

/** The same of what Linux says (proc_pid_limits(5)): its soft limit is the one that counts. */
export function openFilesShare(limits: string): number {
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
  if (soft === undefined) return OPEN_FILES_DEFAULT;
  return Math.min(OPEN_FILES_MAX, Math.floor(Number(soft) * OPEN_FILES_SHARE_MAX));
}
