import {
  close,
  closeSync,
  existsSync,
  fstat,
  fstatSync,
  futimes,
  mkdir,
  open,
  openSync,
  read,
  readSync,
  rename,
  type Stats,
  stat,
  unlink,
  writev,
} from "node:fs";
import { dirname } from "node:path";
import { resourceUsage } from "node:process";
import { promisify } from "node:util";
import { BLOCK_BYTES } from "./limits.ts";

/** What is known of a file without reading it; zero links: it was removed or replaced. */
export type FileState = Pick<Stats, "size" | "mtimeMs" | "ctimeMs" | "nlink">;

export interface OpenedFile {
  readonly fd: number;
  readonly state: FileState;
}

/**
 * Port: the files of entries. All but `close` throw what the system says. Of a name there is the
 * whole file or none, whoever writes, and what is open stays readable when it is replaced.
 */
export interface EntryFiles {
  /** Opens for reading; undefined: there is none. */
  open(path: string): Promise<OpenedFile | undefined>;
  /** The same between two turns of the loop: what is not there has to cost next to nothing. */
  openNow(path: string): OpenedFile | undefined;
  /** Reads as much as there is room for; less only where the file ends. */
  read(fd: number, into: Buffer, position: number): Promise<number>;
  /** The same between two turns of the loop. */
  readNow(fd: number, into: Buffer, position: number): number;
  /** Never waits for a disk: an open file's state is in memory. */
  stateNow(fd: number): FileState;
  /** Sets the time of the last use. */
  touch(fd: number, timeMs: number): Promise<void>;
  close(fd: number): void;
  /** The same of a file that still has a name: of others the disk has something to do for it. */
  closeNow(fd: number): void;
  /**
   * Writes under the temporary name, then renames; missing folders are made. After a failure the
   * file is as it was. Not synced. Answers by how many bytes more the disk is used.
   */
  write(parts: readonly Buffer[], temporary: string, path: string): Promise<number>;
  /** Removes what may not be there. Answers how many bytes that freed. */
  remove(path: string): Promise<number>;
  /** What this process has had read from disks, and not from memory, in whatever unit. */
  inputs(): number;
}

/** What a file takes on the disk, about; an empty one takes its name. */
export function diskBytes(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / BLOCK_BYTES)) * BLOCK_BYTES;
}

export function isAbsence(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** The system's name of an error. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

const openAsync = promisify(open);
/** Most of what is written is new: an error for each that is not there yet would cost more than to ask. */
const statIfThere: (
  path: string,
  options: { throwIfNoEntry: false },
) => Promise<Stats | undefined> = promisify(stat);
const renameAsync = promisify(rename);
const unlinkAsync = promisify(unlink);
const futimesAsync = promisify(futimes);
const mkdirAsync = promisify(mkdir);

/** The local disk. Descriptors and callbacks: handles and streams cost a hit twice the time. */
export const localFiles: EntryFiles = {
  open: (path) =>
    new Promise((resolve, reject) => {
      open(path, "r", (error, fd) => {
        if (error !== null) {
          if (isAbsence(error)) resolve(undefined);
          else reject(error);
          return;
        }
        fstat(fd, (failure, state) => {
          if (failure === null) resolve({ fd, state });
          else {
            localFiles.close(fd);
            reject(failure);
          }
        });
      });
    }),

  openNow: (path) => {
    // An error for each that is not there would cost five times what it costs to ask first.
    if (!existsSync(path)) return undefined;
    const fd = openNamed(path);
    if (fd === undefined) return undefined;
    try {
      return { fd, state: fstatSync(fd) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  },

  read: (fd, into, position) =>
    new Promise((resolve, reject) => {
      read(fd, into, 0, into.length, position, (error, bytes) => {
        if (error === null) resolve(bytes);
        else reject(error);
      });
    }),

  readNow: (fd, into, position) => readSync(fd, into, 0, into.length, position),

  stateNow: (fd) => fstatSync(fd),

  touch: (fd, timeMs) => futimesAsync(fd, timeMs / 1_000, timeMs / 1_000),

  // Nothing was written through it: there is nothing that could be lost.
  close: (fd) => close(fd, () => undefined),

  closeNow: (fd) => closeSync(fd),

  write: async (parts, temporary, path) => {
    try {
      // Asked in the meantime; what goes wrong with that goes wrong with the rename too.
      const replacedBytes = sizeOf(path).catch(() => 0);
      await writeFile(parts, temporary);
      await inFolder(path, () => renameAsync(temporary, path));
      return diskBytes(sizeOfAll(parts)) - (await replacedBytes);
    } catch (error) {
      await unlinkAsync(temporary).catch(() => undefined);
      throw error;
    }
  },

  remove: async (path) => {
    // Asked first: a disk that can only be read would refuse to remove what is not there.
    const bytes = await sizeOf(path);
    if (bytes === 0) return 0;
    try {
      await unlinkAsync(path);
      return bytes;
    } catch (error) {
      if (isAbsence(error)) return 0;
      throw error;
    }
  },

  inputs: () => resourceUsage().fsRead,
};

/** Undefined: it was removed in the meantime. */
function openNamed(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function writeFile(parts: readonly Buffer[], path: string): Promise<void> {
  const fd = await inFolder(path, () => openAsync(path, "w", 0o600));
  try {
    await writeAll(fd, parts);
  } finally {
    // A local disk has nothing to do for it: a turn of the thread pool would cost more.
    closeSync(fd);
  }
}

function writeAll(fd: number, parts: readonly Buffer[]): Promise<void> {
  const sizeBytes = sizeOfAll(parts);
  return new Promise((resolve, reject) => {
    writev(fd, parts, (error, bytes) => {
      if (error !== null) reject(error);
      else if (bytes === sizeBytes) resolve();
      // A disk takes a part of a write only when it is full.
      else reject(Object.assign(new Error("The disk took only a part."), { code: "ENOSPC" }));
    });
  });
}

function sizeOfAll(parts: readonly Buffer[]): number {
  return parts.reduce((bytes, { length }) => bytes + length, 0);
}

/** Makes the folder of this path if that is what was missing. */
async function inFolder<T>(path: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  await mkdirAsync(dirname(path), { recursive: true, mode: 0o700 });
  return attempt();
}

/** What this file takes; nothing, when there is none. */
async function sizeOf(path: string): Promise<number> {
  const state = await statIfThere(path, { throwIfNoEntry: false });
  return state === undefined ? 0 : diskBytes(state.size);
}
