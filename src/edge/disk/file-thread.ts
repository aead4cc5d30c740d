import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { parentPort } from "node:worker_threads";
import { diskBytes } from "./disk-bytes.ts";
import type { FileBatch, FileBatchOutcome, FileJob, FileJobFailure } from "./file-job.ts";

/** The entry of the thread that writes: what a disk takes its time for never stalls the main loop. */
const port = parentPort;
if (port === null) throw new Error("This file is a worker thread's");

port.on("message", ({ memory, jobs }: FileBatch) => {
  const outcome: FileBatchOutcome = jobs.map((job) => carryOut(memory, job));
  port.postMessage(outcome);
});

function carryOut(memory: SharedArrayBuffer, job: FileJob): number | FileJobFailure {
  try {
    if (job.kind === "remove") return -remove(job.path);
    return write(new Uint8Array(memory, job.at, job.bytes), job.temporary, job.path);
  } catch (error) {
    return failureOf(error);
  }
}

function write(bytes: Uint8Array, temporary: string, path: string): number {
  try {
    writeFile(bytes, temporary);
    const replacedBytes = bytesOf(path);
    inFolder(path, () => renameSync(temporary, path));
    return diskBytes(bytes.length) - replacedBytes;
  } catch (error) {
    discard(temporary);
    throw error;
  }
}

function writeFile(bytes: Uint8Array, path: string): void {
  const fd = inFolder(path, () => openSync(path, "w", 0o600));
  try {
    // A disk takes a part of a write only when it is full.
    if (writeSync(fd, bytes) < bytes.length) throw fullDisk();
  } finally {
    closeSync(fd);
  }
}

function remove(path: string): number {
  // Asked first: a disk that can only be read would refuse to remove what is not there.
  const bytes = bytesOf(path);
  if (bytes > 0) unlinkSync(path);
  return bytes;
}

/** What is left of what failed: it may not be there. */
function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Whoever starts next clears the folder.
  }
}

/** Makes the folder of this path if that is what was missing. */
function inFolder<T>(path: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (failureOf(error).code !== "ENOENT") throw error;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return attempt();
}

/** What this file takes; nothing, when there is none. */
function bytesOf(path: string): number {
  const state = statSync(path, { throwIfNoEntry: false });
  return state === undefined ? 0 : diskBytes(state.size);
}

function fullDisk(): Error {
  return Object.assign(new Error("The disk took only a part."), { code: "ENOSPC" });
}

function failureOf(error: unknown): FileJobFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  return { code, message };
}
