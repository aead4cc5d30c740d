import assert from "node:assert/strict";
import {
  CHUNK_OVERHEAD_BYTES,
  FLIGHT_SHARE_MAX,
  FLIGHT_SHARE_OF_SMALL_MAX,
  KEPT_TRAILER_BYTES_MAX,
  SMALL_BODY_BYTES_MAX,
  WINDOW_BYTES,
} from "../limits.ts";
import { BodyReader } from "./body-reader.ts";
import type { HeldFor, MemoryBudget } from "./memory-budget.ts";
import { joinedBytes, ownedBytes } from "./owned.ts";

/** Growing until it is whole, or is known never to be. */
export type BodyState = "growing" | "whole" | "truncated";

/**
 * The content of one response: written once, as it comes from the origin, and read by many, each at
 * a pace of its own. A `retained` body keeps all its bytes until nobody holds it. A `windowed` one
 * keeps only what its slowest reader has not seen, and holds back its writer. Either way all that is
 * kept is on the budget.
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
  #heldFor: HeldFor = "flight";
  #holds = 0;
  #storeHolds = 0;
  #retained: boolean;
  #state: BodyState = "growing";
  #trailers: readonly string[] = [];
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

  /** Trailer fields, for those who read the body as it came: replies from the store have none. */
  get trailers(): readonly string[] {
    return this.#trailers;
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

  /** Whether it can still be read from its first octet. */
  get hasBeginning(): boolean {
    return this.#droppedBytes === 0;
  }

  /** The store and the fill hold a body while they refer to it; so does each reader. */
  hold(by: "store" | "other" = "other"): void {
    this.#holds += 1;
    if (by === "store") this.#storeHolds += 1;
    this.#recount();
  }

  release(by: "store" | "other" = "other"): void {
    assert(this.#holds > 0);
    this.#holds -= 1;
    if (by === "store") this.#storeHolds -= 1;
    if (this.#holds === 0) this.#discharge(this.#chargedBytes);
    else this.#recount();
  }

  /**
   * Adds a chunk, of which nothing is kept but its own bytes. A retained body that does not fit the
   * budget becomes a windowed one.
   */
  append(chunk: Buffer): void {
    assert(this.#state === "growing");
    const bytes = chunk.length + CHUNK_OVERHEAD_BYTES;
    if (this.#retained && !this.#mayRetain(bytes)) this.stopRetaining();
    // One chunk of a window has to be somewhere, or nothing would ever pass.
    if (!this.#retained) this.#budget.charge(bytes, "flight");
    this.#chargedBytes += bytes;
    this.#chunks.push(ownedBytes(chunk));
    this.#sizeBytes += chunk.length;
    this.#wakeReaders();
    this.#dropRead();
  }

  /** Resolves when the writer may append: always for a retained body, unless nobody reads it. */
  async room(): Promise<void> {
    while (!this.#retained && this.hasReaders && this.#isWindowFull()) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  /** Whether this reader keeps the writer from going on while another has read all there is. */
  isHeldUpBy(reader: BodyReader): boolean {
    if (this.#onRoom === undefined) return false;
    if (reader.position >= this.#droppedBytes + (this.#chunks[0]?.length ?? 0)) return false;
    return this.#readers.values().some(({ position }) => position >= this.#sizeBytes);
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
    this.#dropRead();
    this.#noticeUnread();
  }

  /** No more will come: all of it was there, or not. */
  end(state: "whole" | "truncated", trailers: readonly string[] = []): void {
    assert(this.#state === "growing");
    this.#state = state;
    // Those of a body that is kept are for who reads along now, and on nobody's account.
    const bytes = trailers.reduce((sum, text) => sum + text.length, 0);
    if (!this.#retained || bytes <= KEPT_TRAILER_BYTES_MAX) this.#trailers = trailers;
    // What wrote it and what began that may go: a stored body outlives them by far.
    this.#onUnread = undefined;
    this.#onWindowed = undefined;
    if (state === "whole" && this.#retained) this.#compact();
    this.#recount();
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
    this.#dropRead();
    this.release();
    this.#noticeUnread();
  }

  /** What a window would hold anyway is let in more easily than the rest of a large body. */
  #mayRetain(bytes: number): boolean {
    const small = this.#sizeBytes + bytes <= WINDOW_BYTES;
    const shareMax = small ? FLIGHT_SHARE_OF_SMALL_MAX : FLIGHT_SHARE_MAX;
    return this.#budget.tryCharge(bytes, "flight", shareMax);
  }

  /** Where memory is short, what has been read is all that makes room. */
  #windowBytes(): number {
    const { bytesMax, used } = this.#budget;
    const flightMax = bytesMax * FLIGHT_SHARE_MAX;
    return this.#budget.heldFor("flight") > flightMax || used > bytesMax ? 0 : WINDOW_BYTES;
  }

  /** What is whole and held by the store alone can be evicted, and nothing else can. */
  #recount(): void {
    const growing = this.#state === "growing" || !this.#retained;
    const heldFor = growing ? "flight" : this.#holds === this.#storeHolds ? "store" : "readers";
    if (heldFor === this.#heldFor) return;
    this.#budget.move(this.#chargedBytes, this.#heldFor, heldFor);
    this.#heldFor = heldFor;
  }

  #discharge(bytes: number): void {
    this.#chargedBytes -= bytes;
    this.#budget.release(bytes, this.#heldFor);
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

  /** Counted as charged: an origin that sends octet by octet must not fill the memory. */
  #isWindowFull(): boolean {
    return this.#chunks.length > 0 && this.#chargedBytes > this.#windowBytes();
  }

  /** Lets go of the chunks that every reader of a windowed body has passed. */
  #dropRead(): void {
    if (this.#retained) return;
    let slowest = this.#sizeBytes;
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.position);
    let passed = 0;
    let bytes = 0;
    for (const chunk of this.#chunks) {
      if (this.#droppedBytes + chunk.length > slowest) break;
      this.#droppedBytes += chunk.length;
      bytes += chunk.length + CHUNK_OVERHEAD_BYTES;
      passed += 1;
    }
    if (passed > 0) {
      this.#chunks.splice(0, passed);
      this.#droppedChunks += passed;
      this.#discharge(Math.min(bytes, this.#chargedBytes));
    }
    const onRoom = this.#onRoom;
    if (onRoom === undefined) return;
    this.#onRoom = undefined;
    onRoom();
  }

  /** A small body becomes one exact buffer, and is charged as one. */
  #compact(): void {
    if (this.#sizeBytes > SMALL_BODY_BYTES_MAX) return;
    const [first] = this.#chunks;
    const pieces = this.#chunks.length;
    const whole =
      pieces === 1 && first !== undefined ? first : joinedBytes(this.#chunks, this.#sizeBytes);
    // Another array too: one that was pushed to has room for 17.
    this.#chunks = [whole];
    this.#discharge((pieces - 1) * CHUNK_OVERHEAD_BYTES);
    for (const reader of this.#readers) reader.rewind();
  }
}
