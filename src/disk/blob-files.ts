import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BlobFiles, OpenBlob } from "#oci/blob.ts";
import { algorithmOf, type Digest, hexOf, parseDigest } from "#oci/digest.ts";
import { READ_BYTES } from "#oci/limits.ts";
import { inTurn } from "./blob-turns.ts";
import { isMissing, writeFailure } from "./failures.ts";
import { HeldRemovals } from "./held-removals.ts";
import { syncDirectory } from "./sync-directory.ts";

/** What only the owner of the files may do besides. */
export interface DiskBlobFiles extends BlobFiles {
  /** Where a blob's file is, relative to the folder of all of them. */
  relativePath(digest: Digest): string;
  /** While any holder is undisposed, removed files stay: a backup reads them in peace. */
  holdDeletions(): AsyncDisposable;
}

/**
 * ```text
 * blobs/sha256/ab/ab12…   content, under its digest: whole, or not there
 * blobs/sha512/ab/ab12…
 * uploads/<id>            what has arrived of an upload
 * ```
 * @param directory the folder of both
 */
export async function diskBlobFiles(directory: string): Promise<DiskBlobFiles> {
  const blobs = join(directory, "blobs");
  for (const algorithm of ["sha256", "sha512"]) {
    await mkdir(join(blobs, algorithm), { recursive: true, mode: 0o700 });
  }
  const turn = inTurn();
  const held = new HeldRemovals();
  const relativePath = (digest: Digest): string => {
    const hex = hexOf(digest);
    return join(algorithmOf(digest), hex.slice(0, 2), hex);
  };
  const pathOf = (digest: Digest): string => join(blobs, relativePath(digest));
  const remove = (digest: Digest, isUsed: () => boolean): Promise<number> =>
    turn(digest, async () => {
      if (isUsed()) return 0;
      if (held.hold(digest, () => remove(digest, isUsed))) return 0;
      const size = await sizeOf(pathOf(digest));
      await rm(pathOf(digest), { force: true });
      return size ?? 0;
    });

  return {
    relativePath,

    open: async (digest, sizeBytes) => {
      const handle = await openExisting(pathOf(digest));
      if (handle === undefined) return undefined;
      const { size } = await handle.stat();
      if (size === sizeBytes) return openBlob(handle);
      await handle.close();
      return undefined;
    },

    isWhole: async (digest, sizeBytes) => (await sizeOf(pathOf(digest))) === sizeBytes,

    commit: (uploadId, digest, record, isUsed) =>
      turn(digest, async () => {
        const path = pathOf(digest);
        await putInPlace(
          join(directory, "uploads", uploadId),
          path,
          join(blobs, algorithmOf(digest)),
        );
        let kept = false;
        try {
          const recorded = await record();
          kept = recorded.kept;
          return recorded.value;
        } finally {
          if (!kept && !isUsed()) await rm(path, { force: true });
        }
      }),

    remove,

    list: () => listBlobs(blobs),

    holdDeletions: () => held.begin(),
  };
}

async function* listBlobs(blobs: string): AsyncIterable<Digest> {
  for (const algorithm of ["sha256", "sha512"]) {
    for await (const folder of await opendir(join(blobs, algorithm))) {
      if (!/^[0-9a-f]{2}$/.test(folder.name)) continue;
      for await (const file of await opendir(join(blobs, algorithm, folder.name))) {
        const digest = parseDigest(`${algorithm}:${file.name}`);
        // Only what we could have written: somebody may keep other things here.
        if (digest !== undefined && file.name.startsWith(folder.name)) yield digest;
      }
    }
  }
}

/** Durable once this returns: the upload's octets were synced before, its new name is now. */
async function putInPlace(upload: string, path: string, root: string): Promise<void> {
  try {
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(root);
    await rename(upload, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw writeFailure(error);
  }
}

function openBlob(handle: FileHandle): OpenBlob {
  return {
    read: (first, last) =>
      handle.createReadStream({
        start: first,
        end: last,
        autoClose: false,
        highWaterMark: READ_BYTES,
      }),
    readInto: async (buffer, bytes, position) =>
      (await handle.read(buffer, 0, bytes, position)).bytesRead,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
