import {
  close,
  closeSync,
  fstat,
  fstatSync,
  futimes,
  open,
  openSync,
  read,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { resourceUsage } from "node:process";
import { promisify } from "node:util";
import { FileWriter } from "./file-writer.ts";

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
  /** Turns of the processor that were taken from this process before it gave them up. */
  preemptions(): number;
}

export function isAbsence(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** The system's name of an error. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

const futimesAsync = promisify(futimes);
/** Of this process: one thread, when there is something to write. */
const writer = new FileWriter();

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
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
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

  write: (parts, temporary, path) => writer.write(parts, temporary, path),

  remove: (path) => writer.remove(path),

  inputs: () => resourceUsage().fsRead,

  preemptions: () => resourceUsage().involuntaryContextSwitches,
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
