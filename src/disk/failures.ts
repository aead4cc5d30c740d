import { diskFull } from "#problem.ts";

/** Whether there is no such file, or no such folder. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** What to throw in an error's place: a full disk is the operator's to mend, and should be told so. */
export function writeFailure(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code === "ENOSPC" ? diskFull(error) : error;
}
