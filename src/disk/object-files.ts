import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Problem } from "#problem.ts";
import type { ObjectFiles, OpenFile } from "#space/space.ts";
import { isMissing, writeFailure } from "./failures.ts";
import { HeldRemovals } from "./held-removals.ts";
import { syncDirectory } from "./sync-directory.ts";

const CHUNK_BYTES = 65_536;

/** `randomUUID`. */
const OBJECT_FILE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Object files on the local disk, and what only their owner may do with them. */
export interface DiskObjectFiles extends ObjectFiles {
  /** Where a file is, relative to the folder of all of them. */
  relativePath(file: string): string;
  /** While any holder is undisposed, removed files stay: a backup reads them in peace. */
  holdDeletions(): AsyncDisposable;
  /** Removes what a crash has left: unfinished writes, and files that nothing refers to. */
  sweep(referred: ReadonlySet<string>): Promise<number>;
}

/**
 * One file an object, spread over 256 folders by the first two digits of its random name. Bytes go
 * to a temporary name, are synced, then renamed: a file under its own name is whole.
 */
export async function diskObjectFiles(directory: string): Promise<DiskObjectFiles> {
  const temporary = join(directory, "tmp");
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const held = new HeldRemovals();
  const relativePath = (file: string): string => join(file.slice(0, 2), file);
  const pathOf = (file: string): string => join(directory, relativePath(file));

  return {
    relativePath,

    write: async (bytes, sizeBytesMax, signal) => {
      const file = randomUUID();
      const unfinished = join(temporary, file);
      try {
        const written = await writeNew(unfinished, bytes, sizeBytesMax, signal);
        const made = await mkdir(dirname(pathOf(file)), { recursive: true, mode: 0o700 });
        if (made !== undefined) await syncDirectory(directory);
        await rename(unfinished, pathOf(file));
        await syncDirectory(dirname(pathOf(file)));
        return { file, ...written };
      } catch (error) {
        await rm(unfinished, { force: true });
        throw writeFailure(error);
      }
    },

    open: (file) => openFile(pathOf(file)),

    remove: async (file) => {
      const removal = (): Promise<void> => rm(pathOf(file), { force: true });
      if (!held.hold(file, removal)) await removal();
    },

    holdDeletions: () => held.begin(),

    sweep: (referred) => sweep(directory, referred),
  };
}

async function sweep(directory: string, referred: ReadonlySet<string>): Promise<number> {
  let removed = 0;
  for (const folder of await readdir(directory)) {
    if (folder !== "tmp" && !/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const file of await readdir(join(directory, folder))) {
      // Only what we could have written: somebody may keep other things here.
      if (!OBJECT_FILE.test(file) || (folder !== "tmp" && referred.has(file))) continue;
      await rm(join(directory, folder, file), { force: true });
      removed += 1;
    }
  }
  return removed;
}

/** Bytes pass through once: counted, bounded, hashed and written, never collected. */
async function writeNew(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  sizeBytesMax: number,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; etag: string }> {
  const hash = createHash("md5");
  let sizeBytes = 0;
  await using handle = await open(path, "wx", 0o600);
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    sizeBytes += chunk.byteLength;
    if (sizeBytes > sizeBytesMax) {
      throw new Problem("payload_too_large", `An object has at most ${sizeBytesMax} bytes.`);
    }
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  await handle.sync();
  return { sizeBytes, etag: hash.digest("hex") };
}

async function openFile(path: string): Promise<OpenFile | undefined> {
  try {
    const handle = await open(path, "r");
    return {
      read: (first, last) =>
        handle.createReadStream({
          start: first,
          end: last,
          autoClose: false,
          highWaterMark: CHUNK_BYTES,
        }),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
