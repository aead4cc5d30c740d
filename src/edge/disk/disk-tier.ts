import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import { SWEEP_INTERVAL_MS } from "../limits.ts";
import { type EntryFiles, localFiles } from "./entry-files.ts";
import { temporaryFolder, versionFolder } from "./entry-path.ts";
import { type DiskEntry, EntryReader, type PeekedEntry, type ReadCounts } from "./entry-reader.ts";
import { GuardedReads } from "./guarded-reads.ts";
import { WRITE_DRAIN_MS } from "./limits.ts";
import { RareLog } from "./rare-log.ts";
import { type PendingPut, type WriteCounts, WriteQueue } from "./write-queue.ts";

/** What a worker's disk tier is made of. */
export interface DiskTierParts<H> {
  /** The same for all workers of a host, and for no other fleet. */
  readonly folder: string;
  /** The worker's place, and its process: no two that run have both the same. */
  readonly slot: number;
  readonly pid: number;
  /** How many files it may keep open: see `openFilesAllowed`. */
  readonly openFilesMax: number;
  /**
   * Makes a head of the bytes that it was put with, of which it keeps none; undefined: they are not
   * one. Never throws. The head of a file that is open is made once, and all its hits share it.
   */
  readonly decodeHead: (head: Buffer) => H | undefined;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
  /** Told each second by how many bytes more, or less, this worker has the disk used. */
  readonly grew: (bytes: number) => void;
  /** A buffer of just this length for a body; absent: new memory, in 0.2 ms for 1 MiB. */
  readonly allocate?: (bytes: number) => Buffer;
  readonly files?: EntryFiles;
}

/** What a disk tier has done, and what it has waiting. */
export interface DiskTierStats extends Readonly<ReadCounts>, Readonly<WriteCounts> {
  readonly queuedBytes: number;
  readonly openFiles: number;
}

/**
 * The disk tier as one worker has it: entries by key, shared with the other workers by the folder
 * alone. It answers whatever the disk does: what cannot be read is absent, what cannot be written is
 * dropped. What this worker put or removed it finds so at once; what another did, once that has
 * reached the folder.
 */
export class DiskTier<H> {
  readonly #parts: DiskTierParts<H>;
  readonly #reads: GuardedReads<H>;
  readonly #reader: EntryReader<H>;
  readonly #writes: WriteQueue;
  readonly #readCounts: ReadCounts = {
    read: 0,
    readQuickly: 0,
    readBytes: 0,
    absent: 0,
    corrupt: 0,
    failed: 0,
    skipped: 0,
  };
  readonly #timer: NodeJS.Timeout;
  #grewBytes = 0;

  constructor(parts: DiskTierParts<H>) {
    this.#parts = parts;
    const { clock, monotonic, files = localFiles, allocate = newMemory } = parts;
    const log = new RareLog(parts.log, monotonic);
    const root = versionFolder(parts.folder);
    const shared = { root, files, clock, monotonic, log };
    const counts = this.#readCounts;
    this.#reader = new EntryReader({
      ...shared,
      openFilesMax: parts.openFilesMax,
      decodeHead: parts.decodeHead,
      allocate,
      counts,
      remove: (key) => {
        // What has come for the key in the meantime takes its place.
        if (this.#writes.pending(key) === undefined) this.#writes.remove(key);
      },
    });
    this.#reads = new GuardedReads({ reader: this.#reader, clock: monotonic, log, counts });
    this.#writes = new WriteQueue({
      ...shared,
      temporary: temporaryFolder(root, parts.slot, parts.pid),
      grew: (bytes) => {
        this.#grewBytes += bytes;
      },
      forgetAll: () => this.#reads.forgetAll(),
    });
    this.#timer = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /**
   * Finds an entry. Its bytes are those that were put, or it is absent; so it is when the disk
   * fails, is slow, or has too much to do. Never rejects.
   */
  async get(key: string): Promise<DiskEntry<H> | undefined> {
    const pending = this.#writes.pending(key);
    if (pending === undefined) return this.#reads.get(key);
    return pending.kind === "put" ? this.#entryOf(pending) : undefined;
  }

  /**
   * The same between two turns of the loop, where that costs no more than memory does: from files
   * that are open, which the page cache has. "unknown": ask `get`.
   */
  getQuick(key: string): DiskEntry<H> | undefined | "unknown" {
    const pending = this.#writes.pending(key);
    if (pending === undefined) return this.#reads.getQuick(key);
    return pending.kind === "put" ? this.#entryOf(pending) : undefined;
  }

  /**
   * What it would find, for who explains it: nothing is read of the body, and nothing is different
   * afterwards. "unknown" while the disk rests, is slow, or fails.
   */
  async peek(key: string): Promise<PeekedEntry<H> | undefined | "unknown"> {
    const pending = this.#writes.pending(key);
    if (pending === undefined) return this.#reads.peek(key);
    const entry = pending.kind === "put" ? this.#entryOf(pending) : undefined;
    return entry === undefined ? undefined : { head: entry.head, bodyBytes: entry.body.length };
  }

  /** Has an entry written in place of what has the same key, later; its bytes may not change. */
  put(key: string, head: Buffer, body: readonly Buffer[]): void {
    this.#reads.forget(key);
    this.#writes.put(key, head, body);
  }

  /** Nobody finds it here any more; other workers do until the disk has removed it. */
  delete(key: string): void {
    this.#reads.forget(key);
    this.#writes.remove(key);
  }

  /** While the disk is too full nothing is written: what is put is dropped. The keeper knows. */
  hold(held: boolean): void {
    this.#writes.hold(held);
  }

  stats(): DiskTierStats {
    return {
      ...this.#readCounts,
      ...this.#writes.counts,
      queuedBytes: this.#writes.queuedBytes,
      openFiles: this.#reader.openFiles,
    };
  }

  /** Looks at deadlines, and reports; each second by itself. */
  sweep(): void {
    this.#reads.sweep();
    this.#writes.sweep();
    if (this.#grewBytes === 0) return;
    this.#parts.grew(this.#grewBytes);
    this.#grewBytes = 0;
  }

  /** Writes what waits, within a limit, and closes all files. */
  async close(drainMs = WRITE_DRAIN_MS): Promise<void> {
    await this.#writes.close(drainMs);
    clearInterval(this.#timer);
    this.sweep();
    this.#reader.close();
  }

  /** What is on its way to the disk is as good as there. */
  #entryOf({ head, body }: PendingPut): DiskEntry<H> | undefined {
    const [only = Buffer.alloc(0), ...others] = body;
    const decoded = this.#parts.decodeHead(head);
    if (decoded === undefined) return undefined;
    return { head: decoded, body: others.length === 0 ? only : Buffer.concat(body) };
  }
}

/** Of its own: it is kept as long as the body, and no longer than that. */
function newMemory(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes);
}
