import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { PENDING_WRITES_MAX } from "#limits.ts";
import type { FeedRecord } from "./feed-log.ts";
import type {
  WriteArguments,
  WriteGroup,
  WriteName,
  WriteRequest,
  Writes,
} from "./write-message.ts";

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The main thread's end of the writer thread. Disposing of it waits for what was asked. */
export class Writer implements AsyncDisposable {
  readonly #thread: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #closing = false;

  /**
   * @param onRecords gets the feed records of each transaction, in order and before the writes
   *   that made them return
   * @param onDeath is called when the thread ends unasked: nothing can be written any more
   */
  constructor(
    path: string,
    onRecords: (records: readonly FeedRecord[]) => void,
    onDeath: (error: Error) => void,
  ) {
    this.#thread = new Worker(new URL("./writer-thread.ts", import.meta.url), {
      workerData: { path },
    });
    this.#thread.on("message", (group: WriteGroup) => {
      if (group.records.length > 0) onRecords(group.records);
      for (const outcome of group.outcomes) {
        const pending = this.#pending.get(outcome.id);
        this.#pending.delete(outcome.id);
        if (outcome.kind === "done") pending?.resolve(outcome.value);
        else pending?.reject(outcome.error);
      }
    });
    let cause: unknown;
    this.#thread.on("error", (error) => {
      cause = error;
    });
    this.#thread.on("exit", () => {
      const error = new Error("The database's writer thread ended", { cause });
      for (const pending of this.#pending.values()) pending.reject(error);
      this.#pending.clear();
      if (!this.#closing) onDeath(error);
    });
  }

  /** Resolves once the write is durable. Rejects, and nothing was written, when it failed. */
  run<N extends WriteName>(name: N, ...args: WriteArguments<N>): Promise<ReturnType<Writes[N]>> {
    if (this.#pending.size >= PENDING_WRITES_MAX) {
      return Promise.reject(new Error("Too many writes are waiting for the disk"));
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const request: WriteRequest = { id, name, arguments: args };
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#thread.postMessage(request);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    const exited = once(this.#thread, "exit");
    this.#thread.postMessage("close");
    await exited;
  }
}
