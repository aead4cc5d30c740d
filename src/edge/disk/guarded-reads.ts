import type { Clock } from "#clock.ts";
import { Breaker } from "./breaker.ts";
import { codeOf } from "./entry-files.ts";
import type { DiskEntry, EntryReader, PeekedEntry, ReadCounts } from "./entry-reader.ts";
import type { RareLog } from "./rare-log.ts";
import { ReadSlots } from "./read-slots.ts";

/** What reads are guarded by. */
export interface GuardedReadsParts<H> {
  readonly reader: EntryReader<H>;
  /** A monotonic one. */
  readonly clock: Clock;
  readonly log: RareLog;
  readonly counts: ReadCounts;
}

/**
 * Reads that answer whatever the disk does: a few at one time, each key once, none for long, and
 * none for a while after it failed. To be unable is to find nothing.
 */
export class GuardedReads<H> {
  readonly #parts: GuardedReadsParts<H>;
  readonly #slots: ReadSlots;
  readonly #breaker: Breaker;
  /** By key: whoever comes meanwhile gets the same. */
  readonly #reading = new Map<string, Promise<DiskEntry<H> | undefined>>();

  constructor(parts: GuardedReadsParts<H>) {
    this.#parts = parts;
    this.#slots = new ReadSlots(parts.clock);
    this.#breaker = new Breaker(parts.clock);
  }

  /** Reads in the thread pool. */
  get(key: string): Promise<DiskEntry<H> | undefined> {
    const reading = this.#reading.get(key);
    if (reading !== undefined) return reading;
    if (!this.#breaker.allows()) return Promise.resolve(this.#skip());
    const started = this.#read(key).then((entry) => {
      // Forgotten in between: what was read may be what has been replaced or removed.
      if (this.#reading.get(key) !== started) return undefined;
      this.#reading.delete(key);
      return entry;
    });
    this.#reading.set(key, started);
    return started;
  }

  /** Reads between two turns of the loop, where that is as fast as the page cache. */
  getQuick(key: string): DiskEntry<H> | undefined | "unknown" {
    if (this.#breaker.refuses) return this.#skip();
    if (this.#reading.has(key)) return "unknown";
    try {
      const entry = this.#parts.reader.readNow(key);
      if (entry !== undefined && entry !== "unknown") this.#parts.counts.readQuickly += 1;
      return entry;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Looks at an entry without a trace of it; "unknown" while the disk rests, is slow, or fails. */
  async peek(key: string): Promise<PeekedEntry<H> | undefined | "unknown"> {
    if (this.#breaker.refuses) return "unknown";
    try {
      const peeked = await this.#slots.run(() => this.#parts.reader.peek(key));
      return peeked === "full" || peeked === "late" ? "unknown" : peeked;
    } catch {
      // Whoever reads it for a request tells of it.
      return "unknown";
    }
  }

  /** Whoever reads this key now gets nothing of it, and whoever comes reads anew. */
  forget(key: string): void {
    this.#reading.delete(key);
    this.#parts.reader.forget(key);
  }

  /** The same of all keys, and nothing that was written before is found again. */
  forgetAll(): void {
    this.#reading.clear();
    this.#parts.reader.forgetAll();
  }

  /** To be called each second. */
  sweep(): void {
    const late = this.#slots.sweep();
    if (late > 0) {
      this.#breaker.trip();
      this.#parts.counts.failed += late;
      this.#parts.log.warn("disk read took too long", { reads: late });
    }
    try {
      this.#parts.reader.sweep();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #read(key: string): Promise<DiskEntry<H> | undefined> {
    try {
      const entry = await this.#slots.run(() => this.#parts.reader.read(key));
      if (entry === "full") return this.#skip();
      // Counted by the sweep that gave it up.
      if (entry === "late") return undefined;
      this.#breaker.succeeded();
      return entry;
    } catch (error) {
      return this.#failed(error);
    }
  }

  #skip(): undefined {
    this.#parts.counts.skipped += 1;
  }

  #failed(error: unknown): undefined {
    this.#parts.counts.failed += 1;
    this.#parts.log.warn("disk read failed", { err: error });
    const code = codeOf(error);
    // The process has too many files open, which is not the disk's fault.
    if (code === "EMFILE" || code === "ENFILE") this.#parts.reader.shed();
    else this.#breaker.failed();
  }
}
