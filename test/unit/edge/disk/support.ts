import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pid } from "node:process";
import { manualClock } from "#clock.ts";
import { DiskKeeper, type DiskKeeperParts } from "#edge/disk/disk-keeper.ts";
import { DiskTier, type DiskTierParts } from "#edge/disk/disk-tier.ts";
import { type EntryFiles, localFiles } from "#edge/disk/entry-files.ts";
import { entryName, entryPath } from "#edge/disk/entry-path.ts";
import type { DiskEntry } from "#edge/disk/entry-reader.ts";
import { FileBody } from "#edge/disk/file-body.ts";

/** A line of the log, its message among its fields. */
type Line = Readonly<Record<string, unknown>> & { readonly message: string };

/** A folder of a test's own, with clocks that stand still, and a log that can be read. */
export interface Disk extends AsyncDisposable {
  readonly folder: string;
  /** The folder of the entries. */
  readonly root: string;
  readonly lines: readonly Line[];
  /** Moves both clocks. */
  advance(ms: number): void;
  now(): number;
  /** A worker's tier, which is closed with the disk. */
  tier(options?: Partial<DiskTierParts<string>>): DiskTier<string>;
  keeper(options?: Partial<DiskKeeperParts>): DiskKeeper;
  /** Puts entries and returns when they are written. */
  store(
    ...entries: readonly (readonly [key: string, head: string, body: string | Buffer])[]
  ): Promise<void>;
  pathOf(key: string): string;
}

export async function aDisk(): Promise<Disk> {
  const folder = await mkdtemp(join(tmpdir(), "atoll-disk-"));
  const root = join(folder, "v1");
  // Of the same time as the files' own, which the system dates.
  const wall = manualClock(Date.now());
  const monotonic = manualClock(0);
  const lines: Line[] = [];
  const note = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push({ ...fields, message });
  };
  const log = { info: note, warn: note, error: note };
  const tiers: DiskTier<string>[] = [];
  let slots = 0;

  const tier = (options: Partial<DiskTierParts<string>> = {}): DiskTier<string> => {
    slots += 1;
    const made = new DiskTier<string>({
      folder,
      slot: slots,
      pid,
      openFilesMax: 100,
      decodeHead: (head) => (head.toString() === "unreadable" ? undefined : head.toString()),
      clock: wall,
      monotonic,
      log,
      grew: () => undefined,
      ...options,
    });
    tiers.push(made);
    return made;
  };

  return {
    folder,
    root,
    lines,
    advance: (ms) => {
      wall.advance(ms);
      monotonic.advance(ms);
    },
    now: () => wall.now(),
    tier,
    keeper: (options = {}) =>
      new DiskKeeper({
        folder,
        bytesMax: 1_000_000_000,
        clock: monotonic,
        log,
        hold: () => undefined,
        firstScrubbed: 0,
        pause: () => Promise.resolve(),
        ...options,
      }),
    store: async (...entries) => {
      const writer = tier();
      for (const [key, head, body] of entries) {
        writer.put(key, Buffer.from(head), [Buffer.from(body)]);
      }
      await writer.close();
      assert.equal(writer.stats().dropped, 0);
    },
    pathOf: (key) => entryPath(root, entryName(key)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(tiers.map((each) => each.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An entry as text. */
export function textOf(entry: DiskEntry<string> | undefined | "unknown"): string | undefined {
  if (entry === "unknown") return "unknown";
  if (entry === undefined) return undefined;
  const octets = entry.body instanceof FileBody ? entry.body.whole() : entry.body;
  return `${entry.head}: ${octets?.toString()}`;
}

/** The local disk, but for what a test has go wrong. */
export function filesWith(faults: Partial<EntryFiles>): EntryFiles {
  return { ...localFiles, ...faults };
}

/** What the system says when it cannot. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the test has it`), { code });
}

/** Whether there is a file, and what is in it. */
export async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch {
    return undefined;
  }
}
