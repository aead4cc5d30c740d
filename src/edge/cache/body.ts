import assert from "node:assert/strict";
import { CHUNK_OVERHEAD_BYTES, SMALL_BODY_BYTES_MAX, WINDOW_BYTES } from "../limits.ts";
import { BodyReader } from "./body-reader.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** Growing until it is whole, or is known never to be. */
export type BodyState = "growing" | "whole" | "truncated";

/**
 * The content of one response: written once, as it comes from the origin, and read by many, each at
 * a pace of its own. It is born `retained`: all its bytes stay, on the budget, until nobody holds it.
 * A `windowed` body keeps only what its slowest reader has not seen, and holds back its writer.
 */
export class Body {
  readonly #budget: MemoryBudget;
  readonly #readers = new Set<BodyReader>();
  #chunks: Buffer[] = [];
  /** Chunks before the first that is kept, and where that one begins. */
  #droppedChunks = 0;
  #droppedBytes = 0;
  #sizeBytes = 0;
  #chargedBytes = 0;
  #holds = 0;
  #retained: boolean;
  #state: BodyState = "growing";
  #onRoom: (() => void) | undefined;
  #onUnread: (() => void) | undefined;
  #onWindowed: (() => void) | undefined;

  constructor(budget: MemoryBudget, mode: "retained" | "windowed") {
    this.#budget = budget;
    this.#retained = mode === "retained";
  }

  /** What has been written so far; of a whole body, its length. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get state(): BodyState {
    return this.#state;
  }

  get retained(): boolean {
    return this.#retained;
  }

  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  /** The store and the fill hold a body while they refer to it; so does each reader. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    assert(this.#holds > 0);
    this.#holds -= 1;
    if (this.#holds > 0) return;
    this.#budget.release(this.#chargedBytes);
    this.#chargedBytes = 0;
  }

  /** Adds a chunk. A retained body that does not fit the budget becomes a windowed one. */
  append(chunk: Buffer): void {
    assert(this.#state === "growing");
    if (this.#retained && !this.#charge(chunk.length + CHUNK_OVERHEAD_BYTES)) this.stopRetaining();
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    this.#wakeReaders();
    this.#dropRead();
  }

  /** Resolves when the writer may append: always for a retained body, unless nobody reads it. */
  async room(): Promise<void> {
    while (!this.#retained && this.hasReaders && this.#unreadBytes() > WINDOW_BYTES) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  /** Called, once, when a body that nobody will store has lost its last reader. */
  whenUnread(callback: () => void): void {
    this.#onUnread = callback;
    this.#noticeUnread();
  }

  /** Called, once, when a retained body becomes a windowed one: it has no beginning any more. */
  whenWindowed(callback: () => void): void {
    this.#onWindowed = callback;
  }

  /** From here on it is a windowed body; it grew too large to be stored. */
  stopRetaining(): void {
    this.#retained = false;
    this.#onWindowed?.();
    this.#onWindowed = undefined;
    this.#budget.release(this.#chargedBytes);
    this.#chargedBytes = 0;
    this.#dropRead();
    this.#noticeUnread();
  }

  /** No more will come: all of it was there, or not. */
  end(state: "whole" | "truncated"): void {
    assert(this.#state === "growing");
    this.#state = state;
    this.#onUnread = undefined;
    if (state === "whole" && this.#retained) this.#compact();
    this.#wakeReaders();
  }

  /** The whole of a small stored body, for one write; undefined if it is in pieces. */
  single(): Buffer | undefined {
    return this.#state === "whole" && this.#retained && this.#chunks.length <= 1
      ? this.#chunks[0]
      : undefined;
  }

  /** A reader of the octets from `first` up to but not including `end`. */
  read(first = 0, end = Infinity): BodyReader {
    const reader = new BodyReader(this, first, end);
    this.hold();
    this.#readers.add(reader);
    return reader;
  }

  /** Nothing before it can be read any more; readers of a retained body may begin at 0. */
  get firstKept(): { readonly index: number; readonly offset: number } {
    return { index: this.#droppedChunks, offset: this.#droppedBytes };
  }

  /** The chunk with this index, counted from the beginning of the body. */
  chunkAt(index: number): Buffer | undefined {
    return this.#chunks[index - this.#droppedChunks];
  }

  /** A reader has moved on. */
  noticeProgress(): void {
    if (!this.#retained) this.#dropRead();
  }

  forget(reader: BodyReader): void {
    if (!this.#readers.delete(reader)) return;
    this.release();
    this.#dropRead();
    this.#noticeUnread();
  }

  #charge(bytes: number): boolean {
    if (!this.#budget.tryCharge(bytes)) return false;
    this.#chargedBytes += bytes;
    return true;
  }

  #wakeReaders(): void {
    for (const reader of this.#readers) reader.wake();
  }

  #noticeUnread(): void {
    if (this.#retained || this.hasReaders) return;
    const callback = this.#onUnread;
    this.#onUnread = undefined;
    callback?.();
  }

  #unreadBytes(): number {
    return this.#sizeBytes - this.#droppedBytes;
  }

  /** Lets go of the chunks that every reader of a windowed body has passed. */
  #dropRead(): void {
    if (this.#retained) return;
    let slowest = this.#sizeBytes;
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.position);
    let passed = 0;
    for (const chunk of this.#chunks) {
      if (this.#droppedBytes + chunk.length > slowest) break;
      this.#droppedBytes += chunk.length;
      passed += 1;
    }
    if (passed > 0) {
      this.#chunks.splice(0, passed);
      this.#droppedChunks += passed;
    }
    const onRoom = this.#onRoom;
    if (onRoom === undefined) return;
    this.#onRoom = undefined;
    onRoom();
  }

  /** A small body becomes one exact buffer: no socket read of 64 KiB stays alive behind 1 KiB. */
  #compact(): void {
    if (this.#sizeBytes > SMALL_BODY_BYTES_MAX) return;
    this.#chunks = [Buffer.concat(this.#chunks)];
    for (const reader of this.#readers) reader.rewind();
  }
}
