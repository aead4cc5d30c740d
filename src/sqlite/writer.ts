import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { PENDING_WRITES_MAX } from "#limits.ts";
import { diskFull, Problem } from "#problem.ts";
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
  /** Why nothing can be written any more. */
  #death: Error | undefined;

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
        else pending?.reject(writeFailure(outcome.error));
      }
    });
    let cause: unknown;
    this.#thread.on("error", (error) => {
      cause = error;
    });
    this.#thread.on("exit", () => {
      const error = new Error("The database's writer thread ended", { cause });
      this.#death = error;
      for (const pending of this.#pending.values()) pending.reject(error);
      this.#pending.clear();
      if (!this.#closing) onDeath(error);
    });
  }

  /** Resolves once the write is durable. Rejects, and nothing was written, when it failed. */
  run<N extends WriteName>(name: N, ...args: WriteArguments<N>): Promise<ReturnType<Writes[N]>> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    if (this.#pending.size >= PENDING_WRITES_MAX) return Promise.reject(tooManyWrites());
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
    if (this.#death !== undefined) return;
    const exited = once(this.#thread, "exit");
    this.#thread.postMessage("close");
    await exited;
  }
}

function tooManyWrites(): Problem {
  return new Problem("too_many_requests", "Too many writes wait for the disk. Retry in 1 s.", {
    fields: { "retry-after": "1" },
  });
}

/** https://sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/** A full disk is the operator's to mend, and should be told so. */
function writeFailure(error: unknown): unknown {
  const { errcode } = error as { readonly errcode?: number };
  return errcode === SQLITE_FULL ? diskFull(error) : error;
}
