import { type FileHandle, mkdir, open, opendir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { READ_BYTES } from "#oci/limits.ts";
import type { UploadFile, UploadFiles } from "#oci/upload.ts";
import { isMissing, writeFailure } from "./failures.ts";

/** `randomUUID`. */
const UPLOAD_FILE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** One file an upload, named by its id, in `uploads` of the folder where `blobs` is. */
export async function diskUploadFiles(directory: string): Promise<UploadFiles> {
  const uploads = join(directory, "uploads");
  await mkdir(uploads, { recursive: true, mode: 0o700 });
  const pathOf = (id: string): string => join(uploads, id);
  return {
    create: async (id) => {
      try {
        const handle = await open(pathOf(id), "wx", 0o600);
        await handle.close();
      } catch (error) {
        throw writeFailure(error);
      }
    },

    open: (id) => openUpload(pathOf(id)),

    sizeBytes: async (id) => {
      try {
        return (await stat(pathOf(id))).size;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },

    remove: (id) => rm(pathOf(id), { force: true }),

    sweep: async (isOpen) => {
      let removed = 0;
      for await (const { name } of await opendir(uploads)) {
        // Only what we could have written: somebody may keep other things here.
        if (!UPLOAD_FILE.test(name) || isOpen(name)) continue;
        await rm(pathOf(name), { force: true });
        removed += 1;
      }
      return removed;
    },
  };
}

async function openUpload(path: string): Promise<UploadFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r+");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  let { size } = await handle.stat();
  return {
    get sizeBytes() {
      return size;
    },
    append: async (chunks) => {
      try {
        size += await writeAll(handle, chunks, size);
      } catch (error) {
        throw writeFailure(error);
      }
    },
    sync: async () => {
      try {
        await handle.datasync();
      } catch (error) {
        // Some file systems look for room only now.
        throw writeFailure(error);
      }
    },
    truncate: async (sizeBytes) => {
      await handle.truncate(sizeBytes);
      size = sizeBytes;
    },
    read: () => handle.createReadStream({ start: 0, autoClose: false, highWaterMark: READ_BYTES }),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** `writev` may write less than it was given. */
async function writeAll(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<number> {
  const total = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const { bytesWritten } = await handle.writev(chunks, position);
  if (bytesWritten < total) {
    const rest = Buffer.concat(chunks).subarray(bytesWritten);
    for (let done = 0; done < rest.byteLength; ) {
      const part = rest.subarray(done);
      const at = position + bytesWritten + done;
      done += (await handle.write(part, 0, part.byteLength, at)).bytesWritten;
    }
  }
  return total;
}
