import { Worker } from "node:worker_threads";
import type { FileBatch, FileBatchOutcome, FileJob } from "./file-job.ts";
import { FILE_BATCH_BYTES, FILE_BATCH_JOBS_MAX } from "./limits.ts";

interface Waiting {
  /** What is to be written; absent: the file is to be removed. */
  readonly parts?: readonly Buffer[];
  readonly temporary?: string;
  readonly path: string;
  readonly resolve: (bytes: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Has a thread of its own write and remove files, many at a time: each costs it some turns of the
 * system and this one a copy. In the thread pool it took four trips of 10 to 15 µs, and whoever
 * waits for a disk there keeps others from theirs.
 */
export class FileWriter {
  #thread: Worker | undefined;
  /** What is to be written, of one batch. */
  #memory: SharedArrayBuffer | undefined;
  #waiting: Waiting[] = [];
  /** What the thread has. */
  #running: readonly Waiting[] = [];

  /** Answers by how many bytes more the disk is used. There is room for a whole file in a batch. */
  write(parts: readonly Buffer[], temporary: string, path: string): Promise<number> {
    return this.#order({ parts, temporary, path });
  }

  /** Answers how many bytes that freed. */
  async remove(path: string): Promise<number> {
    return -(await this.#order({ path }));
  }

  #order(file: Omit<Waiting, "resolve" | "reject">): Promise<number> {
    return new Promise((resolve, reject) => {
      // What is ordered in the same turn goes together.
      if (this.#waiting.length === 0) queueMicrotask(() => this.#send());
      this.#waiting.push({ ...file, resolve, reject });
    });
  }

  #send(): void {
    if (this.#running.length > 0 || this.#waiting.length === 0) return;
    const memory = (this.#memory ??= new SharedArrayBuffer(FILE_BATCH_BYTES));
    const room = Buffer.from(memory);
    const jobs: FileJob[] = [];
    let usedBytes = 0;
    for (const { parts, temporary = "", path } of this.#waiting) {
      const bytes = sizeOf(parts ?? []);
      if (jobs.length === FILE_BATCH_JOBS_MAX || usedBytes + bytes > FILE_BATCH_BYTES) break;
      if (parts === undefined) {
        jobs.push({ kind: "remove", path });
        continue;
      }
      jobs.push({ kind: "write", at: usedBytes, bytes, temporary, path });
      for (const part of parts) usedBytes += part.copy(room, usedBytes);
    }
    this.#running = this.#waiting.splice(0, jobs.length);
    const thread = (this.#thread ??= this.#start());
    // Who waits for it is not to be gone before.
    thread.ref();
    const batch: FileBatch = { memory, jobs };
    thread.postMessage(batch);
  }

  #start(): Worker {
    const thread = new Worker(new URL("./file-thread.ts", import.meta.url));
    thread.on("message", (outcome: FileBatchOutcome) => this.#received(outcome));
    let cause: unknown;
    thread.on("error", (error) => {
      cause = error;
    });
    thread.on("exit", () => this.#died(cause));
    return thread;
  }

  #received(outcome: FileBatchOutcome): void {
    const done = this.#take();
    for (const [i, { resolve, reject }] of done.entries()) {
      const each = outcome[i];
      if (typeof each === "number") resolve(each);
      else reject(Object.assign(new Error(each?.message), { code: each?.code }));
    }
    this.#send();
  }

  /** The next order starts another. */
  #died(cause: unknown): void {
    this.#thread = undefined;
    const error = new Error("The thread that writes has ended.", { cause });
    for (const { reject } of this.#take()) reject(error);
    this.#send();
  }

  #take(): readonly Waiting[] {
    const done = this.#running;
    this.#running = [];
    this.#thread?.unref();
    return done;
  }
}

function sizeOf(parts: readonly Buffer[]): number {
  return parts.reduce((bytes, { length }) => bytes + length, 0);
}
