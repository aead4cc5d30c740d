import assert from "node:assert/strict";

/** What stands before the octets of a block: its handle, and how many they are. */
const BLOCK_HEAD_BYTES = 6;
const BLOCK_SIZE_BYTES_MAX = 0xffff;
/** Blocks begin at multiples of it, so that 32 bits tell them apart in 32 GiB. */
const UNIT_BYTES = 8;
/** In place of a handle: the block was freed. Handles begin at 1. */
const NONE = 0;
const HANDLES_MIN = 1_024;
/** A power of two. A view takes 0.1 µs to make: those of the blocks in use are kept, 0.2 MiB. */
const VIEWS = 1_024;
const NOTHING = Buffer.alloc(0);

/**
 * Slack of what is held: a seventh more memory than the blocks take. With less, what is stored would be
 * copied more often than it is filled; blocks go in about the order in which they came.
 */
const SLACK_SHARE_MAX = 1 / 8;

/** A piece of memory that is written from its beginning to its end, once. */
interface Segment {
  readonly bytes: Buffer;
  usedBytes: number;
  /** Of the blocks that have not been freed. */
  liveBytes: number;
}

/**
 * Memory for many small bodies, side by side in segments: a Buffer for each costs 400 octets more.
 * Once the slack, which is what was freed, is above its bound, what is left of the emptiest segment
 * moves to the newest one.
 *
 * No memory is written twice: a segment that is given up is left to the garbage collector. So what
 * was read stays as it is for whoever still has it, even if it is freed or moved meanwhile.
 */
export class Arena {
  readonly #segmentBytes: number;
  /** A place is empty once its segment was given up. */
  readonly #segments: (Segment | undefined)[] = [];
  /** Which of them is being written. */
  #open = -1;
  #liveBytes = 0;
  #usedBytes = 0;
  /** Of each handle where its block begins, in units; of one that is free, the next that is free. */
  #places = new Uint32Array(HANDLES_MIN);
  #freed = NONE;
  #handlesMax = NONE;
  /** Views by the last bits of their handles, and whose they are. */
  readonly #views: Buffer[] = Array.from({ length: VIEWS }, () => NOTHING);
  readonly #viewed = new Uint32Array(VIEWS);

  /** Blocks should be smaller by far than segments, or the ends of these stay empty. */
  constructor(segmentBytes: number) {
    assert(segmentBytes % UNIT_BYTES === 0);
    this.#segmentBytes = segmentBytes;
  }

  /** What is to be charged for so many octets: with their part in the slack that there may be. */
  static chargedBytes(sizeBytes: number): number {
    return Math.ceil(blockBytes(sizeBytes) / (1 - SLACK_SHARE_MAX));
  }

  /** What it holds of the process's memory. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Copies these octets, and answers the handle that they are found by. */
  put(bytes: Buffer): number {
    const handle = this.#takeHandle();
    this.#write(handle, bytes, 0, bytes.length);
    return handle;
  }

  /** The octets, until the handle is freed. Whoever keeps them keeps a whole segment. */
  view(handle: number): Buffer {
    const slot = handle & (VIEWS - 1);
    if (this.#viewed[slot] !== handle) {
      this.#views[slot] = this.#newView(handle);
      this.#viewed[slot] = handle;
    }
    return this.#views[slot] ?? NOTHING;
  }

  free(handle: number): void {
    const { segment, at } = this.#find(handle);
    const bytes = blockBytes(segment.bytes.readUInt16LE(at + 4));
    segment.bytes.writeUInt32LE(NONE, at);
    segment.liveBytes -= bytes;
    this.#liveBytes -= bytes;
    this.#forgetView(handle);
    this.#places[handle] = this.#freed;
    this.#freed = handle;
    // Once is enough: each time it gets back more than one block of slack.
    const slackBytes = this.#usedBytes - this.#liveBytes;
    if (slackBytes > SLACK_SHARE_MAX * this.#usedBytes + this.#segmentBytes) {
      this.#evacuate(this.#emptiest());
    }
  }

  #newView(handle: number): Buffer {
    const { segment, at } = this.#find(handle);
    const first = at + BLOCK_HEAD_BYTES;
    return segment.bytes.subarray(first, first + segment.bytes.readUInt16LE(at + 4));
  }

  #forgetView(handle: number): void {
    const slot = handle & (VIEWS - 1);
    if (this.#viewed[slot] !== handle) return;
    this.#viewed[slot] = NONE;
    this.#views[slot] = NOTHING;
  }

  #find(handle: number): { readonly segment: Segment; readonly at: number } {
    const offset = (this.#places[handle] ?? 0) * UNIT_BYTES;
    const segment = this.#segments[Math.floor(offset / this.#segmentBytes)];
    assert(segment !== undefined);
    return { segment, at: offset % this.#segmentBytes };
  }

  /** Appends a block; its octets may come from another segment. */
  #write(handle: number, source: Buffer, start: number, end: number): void {
    const size = end - start;
    assert(size <= BLOCK_SIZE_BYTES_MAX);
    const segment = this.#withRoom(blockBytes(size));
    const at = segment.usedBytes;
    segment.bytes.writeUInt32LE(handle, at);
    segment.bytes.writeUInt16LE(size, at + 4);
    source.copy(segment.bytes, at + BLOCK_HEAD_BYTES, start, end);
    this.#places[handle] = (this.#open * this.#segmentBytes + at) / UNIT_BYTES;
    segment.usedBytes += blockBytes(size);
    segment.liveBytes += blockBytes(size);
    this.#usedBytes += blockBytes(size);
    this.#liveBytes += blockBytes(size);
  }

  #withRoom(bytes: number): Segment {
    const open = this.#segments[this.#open];
    if (open !== undefined && open.usedBytes + bytes <= this.#segmentBytes) return open;
    // What is left at its end is slack as well.
    if (open !== undefined) this.#usedBytes += this.#segmentBytes - open.usedBytes;
    const segment = {
      bytes: Buffer.allocUnsafeSlow(this.#segmentBytes),
      usedBytes: 0,
      liveBytes: 0,
    };
    const empty = this.#segments.indexOf(undefined);
    this.#open = empty < 0 ? this.#segments.length : empty;
    this.#segments[this.#open] = segment;
    return segment;
  }

  /** Of those that are not written any more. With so much slack there is one. */
  #emptiest(): number {
    let emptiest = -1;
    let leastBytes = Infinity;
    for (const [i, segment] of this.#segments.entries()) {
      if (segment === undefined || i === this.#open || segment.liveBytes >= leastBytes) continue;
      emptiest = i;
      leastBytes = segment.liveBytes;
    }
    return emptiest;
  }

  /** Moves what is left in a segment, and gives it up. */
  #evacuate(index: number): void {
    const segment = this.#segments[index];
    assert(segment !== undefined);
    for (let at = 0; at < segment.usedBytes; ) {
      const handle = segment.bytes.readUInt32LE(at);
      const size = segment.bytes.readUInt16LE(at + 4);
      const first = at + BLOCK_HEAD_BYTES;
      if (handle !== NONE) {
        this.#forgetView(handle);
        this.#write(handle, segment.bytes, first, first + size);
      }
      at += blockBytes(size);
    }
    this.#liveBytes -= segment.liveBytes;
    this.#usedBytes -= this.#segmentBytes;
    this.#segments[index] = undefined;
  }

  #takeHandle(): number {
    const freed = this.#freed;
    if (freed !== NONE) {
      this.#freed = this.#places[freed] ?? NONE;
      return freed;
    }
    this.#handlesMax += 1;
    if (this.#handlesMax >= this.#places.length) {
      const grown = new Uint32Array(Math.ceil(this.#places.length * 1.5));
      grown.set(this.#places);
      this.#places = grown;
    }
    return this.#handlesMax;
  }
}

/** What a block of so many octets takes of its segment. */
function blockBytes(sizeBytes: number): number {
  return Math.ceil((BLOCK_HEAD_BYTES + sizeBytes) / UNIT_BYTES) * UNIT_BYTES;
}
