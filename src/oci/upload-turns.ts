import type { Hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#clock.ts";
import type { Algorithm } from "./digest.ts";
import { KEPT_HASHES_MAX, UPLOAD_LOCK_WAIT_MS, UPLOAD_STALL_MS } from "./limits.ts";
import { Refusal } from "./refusal.ts";

/** How often whoever waits looks whether the one before has stalled. */
const LOOK_EVERY_MS = 200;

/** A connection that broke just now is noticed, and what it brought is synced, within this. */
const SETTLE_MS = 1_000;

/** A hash of what an upload has so far. It lives in memory: after a restart the file is read again. */
export interface KeptHash {
  readonly algorithm: Algorithm;
  readonly hash: Hash;
  sizeBytes: number;
}

interface Writer {
  activeAt: number;
  readonly cut: () => void;
  readonly done: Promise<void>;
}

/** One writer at a time for each upload, and what is remembered of it between requests. */
export class UploadTurns {
  readonly #clock: Clock;
  readonly #writers = new Map<string, Writer>();
  readonly #hashes = new Map<string, KeptHash>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `work` alone on an upload. A writer that has gone silent is cut: mostly its connection is
   * dead, and whoever comes is the same client, back to resume.
   * @param cut ends the caller's own work, should it be the silent one
   * @throws Refusal when another one is busy for too long
   */
  async run<T>(id: string, cut: () => void, work: (noteActivity: () => void) => Promise<T>) {
    const since = this.#clock.now();
    // Nothing may come between finding nobody and being there oneself.
    for (let before = this.#writers.get(id); before; before = this.#writers.get(id)) {
      await this.#waitFor(before, since);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const writer: Writer = { activeAt: this.#clock.now(), cut, done: promise };
    this.#writers.set(id, writer);
    try {
      return await work(() => {
        writer.activeAt = this.#clock.now();
      });
    } finally {
      this.#writers.delete(id);
      resolve();
    }
  }

  isBusy(id: string): boolean {
    return this.#writers.has(id);
  }

  async #waitFor(before: Writer, since: number): Promise<void> {
    const now = this.#clock.now();
    if (now - since >= UPLOAD_LOCK_WAIT_MS) {
      throw new Refusal("TOOMANYREQUESTS", "Another request writes to this upload.", {
        fields: { "retry-after": "5" },
      });
    }
    if (now - before.activeAt >= UPLOAD_STALL_MS) before.cut();
    await within(LOOK_EVERY_MS, before.done);
  }

  /** Waits for a writer to end, but not for one that goes on and on. */
  async settled(id: string): Promise<void> {
    const writer = this.#writers.get(id);
    if (writer !== undefined) await within(SETTLE_MS, writer.done);
  }

  /** The hash of exactly so many octets, which is the caller's from then on. */
  takeHash(id: string, sizeBytes: number): KeptHash | undefined {
    const kept = this.#hashes.get(id);
    this.#hashes.delete(id);
    return kept?.sizeBytes === sizeBytes ? kept : undefined;
  }

  keepHash(id: string, kept: KeptHash): void {
    this.#hashes.set(id, kept);
    if (this.#hashes.size <= KEPT_HASHES_MAX) return;
    const oldest = this.#hashes.keys().next();
    if (!oldest.done) this.#hashes.delete(oldest.value);
  }
}

async function within(ms: number, done: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const patience = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([done, patience]);
  timer.abort();
}
