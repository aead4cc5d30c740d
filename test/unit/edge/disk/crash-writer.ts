import process from "node:process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { monotonicClock, systemClock } from "#clock.ts";
import { DiskTier } from "#edge/disk/disk-tier.ts";

/** How many keys the process writes, again and again. */
export const KEYS = 20;

export function keyOf(index: number): string {
  return `19f06b6a /${index}`;
}

/** The body that goes with a head: from some octets to half a slice, no two versions alike. */
export function bodyOf(index: number, head: string): Buffer {
  return Buffer.alloc(10 + index * 25_000, `${index} ${head} `);
}

/** Writes entries until it is killed, and tells of each fifth. */
async function writeForEver(folder: string): Promise<never> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const tier = new DiskTier<string>({
    folder,
    slot: 0,
    pid: process.pid,
    openFilesMax: 0,
    decodeHead: (head) => head.toString(),
    clock: systemClock,
    monotonic: monotonicClock,
    log: silent,
    grew: () => undefined,
  });
  for (let version = 0; ; version += 1) {
    const head = `version ${version} of ${process.pid}`;
    const index = version % KEYS;
    tier.put(keyOf(index), Buffer.from(head), [bodyOf(index, head)]);
    while (tier.stats().queuedBytes > 0) await nextTurn();
    if (version % 5 === 0) process.send?.(version);
  }
}

const [, , folder] = process.argv;
if (import.meta.main && folder !== undefined) await writeForEver(folder);
