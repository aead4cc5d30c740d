import { randomInt } from "node:crypto";
import { DiskKeeper } from "#edge/disk/disk-keeper.ts";
import { FOLDERS } from "#edge/disk/entry-path.ts";
import { monotonicClock } from "./clock.ts";
import type { Logger } from "./log.ts";

/** Where workers keep responses beside memory. */
export interface EdgeDiskTerms {
  readonly folder: string;
  /** 0: nothing is kept there. */
  readonly bytesMax: number;
  /** Named where the folder cannot be used. */
  readonly variable: string;
  readonly log: Logger;
  /** Tells the workers when they are to begin, or to end, dropping what they would write. */
  readonly hold: (held: boolean) => void;
}

/**
 * Prepares the disk tier, which begins its work when it is started, and ends it with the stack.
 * @throws Error that names the variable when the folder cannot be used
 */
export async function openEdgeDisk(
  { folder, bytesMax, variable, log, hold }: EdgeDiskTerms,
  stack: AsyncDisposableStack,
): Promise<DiskKeeper | undefined> {
  if (bytesMax === 0) return undefined;
  // One that is restarted often is not to read the same folders each time.
  const firstScrubbed = randomInt(FOLDERS.length);
  const clock = monotonicClock;
  const keeper = new DiskKeeper({ folder, bytesMax, log, hold, firstScrubbed, clock });
  try {
    await keeper.prepare();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`${variable}: ${folder} cannot be used (${code})`, { cause });
  }
  stack.defer(() => keeper.close());
  return keeper;
}
