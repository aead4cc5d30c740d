import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#clock.ts";
import { SLICE_BYTES } from "../limits.ts";
import { Breaker } from "./breaker.ts";
import { codeOf, type EntryFiles } from "./entry-files.ts";
import { encodeEntry, fitsEntry } from "./entry-format.ts";
import { entryName, entryPath } from "./entry-path.ts";
import {
  FILE_BATCH_BYTES,
  REMOVAL_RETRY_MS,
  REMOVALS_BYTES_MAX,
  WRITE_OVERHEAD_BYTES,
  WRITE_PAUSE_MS,
  WRITE_QUEUE_BYTES_MAX,
  WRITES_AT_ONCE,
} from "./limits.ts";
import type { RareLog } from "./rare-log.ts";

/** An entry on its way to the disk. */
export interface PendingPut {
  readonly kind: "put";
  readonly key: string;
  readonly head: Buffer;
  readonly body: readonly Buffer[];
  /** With what it takes to remember it. */
  readonly bytes: number;
}

interface PendingRemoval {
  readonly kind: "removal";
  readonly key: string;
  readonly bytes: number;
}

type Pending = PendingPut | PendingRemoval;

/** What became of writes. */
export interface WriteCounts {
  written: number;
  writtenBytes: number;
  /** The queue was full, the disk rests, or it refused. */
  dropped: number;
}

/** Where entries are written, how, and whom to tell. */
export interface WriteQueueParts {
  /** The folder of this version. */
  readonly root: string;
  /** Where unfinished files are: no other worker's. */
  readonly temporary: string;
  readonly files: EntryFiles;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: RareLog;
  /** Told by how many bytes more, or less, the disk is used. */
  readonly grew: (bytes: number) => void;
  /** Told when what could not be removed has become too much to remember: all of it is to count so. */
  readonly forgetAll: () => void;
}

/** Errors after which the next write would fail too. */
const LASTING: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

/**
 * Writes behind the loop's back, some files at a time. Of a key only the last order counts. A put that
 * is dropped removes what it was to replace: nobody is to find that again.
 */
export class WriteQueue {
  readonly counts: WriteCounts = { written: 0, writtenBytes: 0, dropped: 0 };
  readonly #parts: WriteQueueParts;
  readonly #breaker: Breaker;
  readonly #queue = new Map<string, Pending>();
  readonly #running = new Map<string, Pending>();
  /** The last write failed: the next is tried alone. */
  #inTrouble = false;
  /** One of those that are carried out has failed. */
  #hasFailed = false;
  readonly #bytes: Record<Pending["kind"], number> = { put: 0, removal: 0 };
  #files = 0;
  #held = false;
  #closed = false;
  /** No order is carried out before: a removal failed. */
  #restsUntil = 0;
  #active = false;
  #drained: Promise<void> = Promise.resolve();

  constructor(parts: WriteQueueParts) {
    this.#parts = parts;
    this.#breaker = new Breaker(parts.monotonic);
  }

  get queuedBytes(): number {
    return this.#bytes.put;
  }

  /** The last order for this key that the disk has not carried out. */
  pending(key: string): Pending | undefined {
    return this.#queue.get(key) ?? this.#running.get(key);
  }

  put(key: string, head: Buffer, body: readonly Buffer[]): void {
    const bodyBytes = body.reduce((sum, { length }) => sum + length, 0);
    assert(bodyBytes <= SLICE_BYTES);
    const bytes = head.length + bodyBytes + key.length + WRITE_OVERHEAD_BYTES;
    this.#forget(key);
    if (this.#mayPut(bytes) && fitsEntry(key, head)) {
      this.#order({ kind: "put", key, head, body, bytes });
    } else {
      this.#drop(key);
    }
  }

  remove(key: string): void {
    this.#forget(key);
    this.#order({ kind: "removal", key, bytes: key.length + WRITE_OVERHEAD_BYTES });
  }

  /** While it is held, what is put is dropped. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** Goes on after a rest. To be called each second. */
  sweep(): void {
    this.#start();
  }

  /** Writes what waits, for as long as a stopping process may take for it. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true;
    this.#restsUntil = 0;
    this.#start();
    await Promise.race([this.#drained, delay(drainMs, undefined, { ref: false })]);
    this.#queue.clear();
  }

  #mayPut(bytes: number): boolean {
    if (this.#held || this.#closed || this.#breaker.refuses) return false;
    return this.#bytes.put + bytes <= WRITE_QUEUE_BYTES_MAX;
  }

  #drop(key: string): void {
    this.counts.dropped += 1;
    this.remove(key);
  }

  #order(order: Pending): void {
    this.#queue.set(order.key, order);
    this.#bytes[order.kind] += order.bytes;
    if (this.#bytes.removal > REMOVALS_BYTES_MAX) this.#forgetRemovals();
    this.#start();
  }

  #forget(key: string): void {
    const order = this.#queue.get(key);
    if (order === undefined) return;
    this.#queue.delete(key);
    this.#bytes[order.kind] -= order.bytes;
  }

  #forgetRemovals(): void {
    this.#parts.forgetAll();
    const removals = this.#queue.values().filter(({ kind }) => kind === "removal");
    for (const { key } of removals) this.#forget(key);
    this.#parts.log.warn(
      "too many disk entries wait to be removed: all there are are forgotten",
      {},
    );
  }

  #start(): void {
    if (this.#active) return;
    this.#active = true;
    this.#drained = this.#run();
  }

  async #run(): Promise<void> {
    // Whoever put it has an answer to send first, and others come that are written with it.
    await delay(this.#closed ? 0 : WRITE_PAUSE_MS);
    for (let orders = this.#take(); orders.length > 0; orders = this.#take()) {
      await Promise.all(orders.map((order) => this.#carryOut(order)));
      if (this.#bytes.put < FILE_BATCH_BYTES && !this.#closed) await delay(WRITE_PAUSE_MS);
    }
    this.#active = false;
  }

  /** Those that have waited longest, unless there is to be a rest. */
  #take(): Pending[] {
    if (this.#parts.monotonic.now() < this.#restsUntil) return [];
    const orders: Pending[] = [];
    const most = this.#inTrouble ? 1 : WRITES_AT_ONCE;
    let bytes = 0;
    for (const order of this.#queue.values()) {
      orders.push(order);
      this.#queue.delete(order.key);
      this.#running.set(order.key, order);
      bytes += order.bytes;
      // Their checksums are made in one go: 1 MiB takes 0.3 ms.
      if (orders.length === most || bytes >= FILE_BATCH_BYTES) break;
    }
    this.#hasFailed = false;
    return orders;
  }

  async #carryOut(order: Pending): Promise<void> {
    if (order.kind === "put") await this.#write(order);
    else await this.#remove(order);
    this.#running.delete(order.key);
    this.#bytes[order.kind] -= order.bytes;
  }

  async #write({ key, head, body, bytes }: PendingPut): Promise<void> {
    // Once per rest, one of those that wait is tried.
    if (!this.#breaker.allows()) {
      this.#dropUnlessRenewed(key);
      return;
    }
    const { files, root, temporary } = this.#parts;
    this.#files += 1;
    const unfinished = `${temporary}/${this.#files}`;
    const parts = encodeEntry(key, head, body, this.#parts.clock.now());
    try {
      this.#parts.grew(await files.write(parts, unfinished, entryPath(root, entryName(key))));
      this.#breaker.succeeded();
      this.#inTrouble = false;
      this.counts.written += 1;
      this.counts.writtenBytes += bytes - key.length - WRITE_OVERHEAD_BYTES;
    } catch (error) {
      this.#noteFailure(error);
      this.#parts.log.warn("disk write failed", { err: error });
      this.#dropUnlessRenewed(key);
    }
  }

  /** Of what was tried together all fails for one reason. */
  #noteFailure(error: unknown): void {
    this.#inTrouble = true;
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    if (LASTING.has(codeOf(error))) this.#breaker.trip();
    else this.#breaker.failed();
  }

  async #remove({ key }: PendingRemoval): Promise<void> {
    try {
      const { files, root } = this.#parts;
      this.#parts.grew(-(await files.remove(entryPath(root, entryName(key)))));
    } catch (error) {
      this.#parts.log.warn("disk removal failed", { err: error });
      this.#restsUntil = this.#parts.monotonic.now() + REMOVAL_RETRY_MS;
      if (!this.#queue.has(key)) this.remove(key);
    }
  }

  /** What came for the key in the meantime sees to what the disk has of it. */
  #dropUnlessRenewed(key: string): void {
    if (this.#queue.has(key)) this.counts.dropped += 1;
    else this.#drop(key);
  }
}
