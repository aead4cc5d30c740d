import { CHUNK_OVERHEAD_BYTES } from "../limits.ts";
import type { BodyReader } from "./body-reader.ts";
import { joinedBytes } from "./owned.ts";

/** What a flow takes beside its chunks. Measured: 330, and more while a body has readers. */
export const FLOW_OVERHEAD_BYTES = 512;

const NO_TRAILERS: readonly string[] = [];

/** What a body has only while it is written or read: its chunks, its readers, and who waits for it. */
export class BodyFlow {
  readonly readers = new Set<BodyReader>();
  trailers: readonly string[] = NO_TRAILERS;
  /** To be called, once, when the writer may go on; its readers are gone; its beginning is gone. */
  onRoom: (() => void) | undefined;
  onUnread: (() => void) | undefined;
  onWindowed: (() => void) | undefined;
  #chunks: Buffer[] = [];
  /** Chunks before the first that is kept, and where that one begins. */
  #droppedChunks = 0;
  #droppedBytes = 0;

  get firstKept(): { readonly index: number; readonly offset: number } {
    return { index: this.#droppedChunks, offset: this.#droppedBytes };
  }

  /** Where the first chunk that is kept ends: whoever has not come so far keeps it. */
  get firstEnd(): number {
    return this.#droppedBytes + (this.#chunks[0]?.length ?? 0);
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }

  /** The chunk with this index, counted from the beginning of the body. */
  chunkAt(index: number): Buffer | undefined {
    return this.#chunks[index - this.#droppedChunks];
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  /** Lets go of the chunks that every reader has passed, and answers what they were charged. */
  dropRead(sizeBytes: number): number {
    let slowest = sizeBytes;
    for (const reader of this.readers) slowest = Math.min(slowest, reader.position);
    let passed = 0;
    let bytes = 0;
    for (const chunk of this.#chunks) {
      if (this.#droppedBytes + chunk.length > slowest) break;
      this.#droppedBytes += chunk.length;
      bytes += chunk.length + CHUNK_OVERHEAD_BYTES;
      passed += 1;
    }
    if (passed > 0) this.#chunks.splice(0, passed);
    this.#droppedChunks += passed;
    return bytes;
  }

  /** Makes one chunk of all, where none was dropped. */
  join(sizeBytes: number): void {
    const [first] = this.#chunks;
    const isOne = this.#chunks.length === 1 && first !== undefined;
    // Another array too: one that was pushed to has room for 17.
    this.#chunks = [isOne ? first : joinedBytes(this.#chunks, sizeBytes)];
    for (const reader of this.readers) reader.rewind();
  }

  wakeReaders(): void {
    for (const reader of this.readers) reader.wake();
  }

  /** Tells the writer that it may look again whether there is room. */
  wakeWriter(): void {
    const { onRoom } = this;
    this.onRoom = undefined;
    onRoom?.();
  }

  noticeUnread(): void {
    const { onUnread } = this;
    this.onUnread = undefined;
    onUnread?.();
  }

  noticeWindowed(): void {
    const { onWindowed } = this;
    this.onWindowed = undefined;
    onWindowed?.();
  }

  /** What wrote the body and what began that may go: a stored body outlives them by far. */
  end(trailers: readonly string[], trailerBytesMax: number): void {
    this.onUnread = undefined;
    this.onWindowed = undefined;
    // Those of a body that is kept are for who reads along now, and on nobody's account.
    const bytes = trailers.reduce((sum, text) => sum + text.length, 0);
    if (bytes <= trailerBytesMax) this.trailers = trailers;
  }
}
