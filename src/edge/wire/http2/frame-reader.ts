import {
  type ConnectionError,
  connectionError,
  ErrorCode,
  Flag,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  uint31,
} from "./frames.ts";

const NOTHING = Buffer.alloc(0);

/**
 * Cuts what comes in into frames (RFC 9113 §4.1), in place: only a frame that came in pieces is
 * copied. It stands on one frame at a time, whose payload is valid until the next is asked for.
 */
export class FrameReader {
  #input: Buffer = NOTHING;
  #at = 0;
  /** A frame that has not come as a whole; of its head's size until its length is known. */
  #held: Buffer = NOTHING;
  #heldBytes = 0;
  #count = 0;

  type = 0;
  flags = 0;
  streamId = 0;
  /** The payload is in `bytes` from `start` to `end`. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;

  /** Whether octets have come that were not read as a frame yet. */
  get hasMore(): boolean {
    return this.#at < this.#input.length;
  }

  /** Whether a frame has begun that has not ended. */
  get isPartial(): boolean {
    return this.#heldBytes > 0;
  }

  /** How many frames have come. */
  get count(): number {
    return this.#count;
  }

  push(chunk: Buffer): void {
    // Something is left only where reading was stopped, as the peer did not read either.
    this.#input = this.hasMore ? Buffer.concat([this.#input.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  /** Goes on to the next frame. "too-large" is told by its head already (RFC 9113 §4.2). */
  next(): "frame" | "incomplete" | "too-large" {
    if (this.#heldBytes > 0) return this.#nextHeld();
    const input = this.#input;
    const at = this.#at;
    const left = input.length - at;
    const length = left < FRAME_HEAD_BYTES ? 0 : payloadLength(input, at);
    if (length > FRAME_BYTES_MAX) return "too-large";
    if (left < FRAME_HEAD_BYTES || left < FRAME_HEAD_BYTES + length) {
      if (left > 0) this.#hold(FRAME_HEAD_BYTES + length);
      this.#letGo();
      return "incomplete";
    }
    this.#at = at + FRAME_HEAD_BYTES + length;
    this.#stand(input, at, length);
    return "frame";
  }

  /** RFC 9113 §6.1, §6.2: takes padding off the payload, of which `bytesMin` have to be left. */
  unpad(bytesMin: number): ConnectionError | undefined {
    const isPadded = (this.flags & Flag.padded) !== 0;
    if (this.end - this.start < bytesMin + (isPadded ? 1 : 0)) {
      return connectionError(ErrorCode.frameSizeError, "a frame too short for its flags");
    }
    if (!isPadded) return undefined;
    this.end -= this.bytes[this.start] ?? 0;
    this.start += 1;
    if (this.end - this.start >= bytesMin) return undefined;
    return connectionError(ErrorCode.protocolError, "more padding than payload");
  }

  #nextHeld(): "frame" | "incomplete" | "too-large" {
    if (this.#held.length === FRAME_HEAD_BYTES) {
      if (!this.#fill()) return "incomplete";
      const length = payloadLength(this.#held, 0);
      if (length > FRAME_BYTES_MAX) return "too-large";
      const head = this.#held;
      this.#held = Buffer.allocUnsafeSlow(FRAME_HEAD_BYTES + length);
      this.#held.set(head);
    }
    if (!this.#fill()) return "incomplete";
    const frame = this.#held;
    this.#held = NOTHING;
    this.#heldBytes = 0;
    this.#stand(frame, 0, frame.length - FRAME_HEAD_BYTES);
    return "frame";
  }

  /** An idle connection keeps nothing of what came last. */
  #letGo(): void {
    this.#input = NOTHING;
    this.#at = 0;
    this.bytes = NOTHING;
  }

  #hold(bytes: number): void {
    this.#held = Buffer.allocUnsafeSlow(bytes);
    this.#fill();
  }

  /** Takes from the input what the held frame lacks, and says whether it has all now. */
  #fill(): boolean {
    const taken = this.#input.copy(this.#held, this.#heldBytes, this.#at);
    this.#heldBytes += taken;
    this.#at += taken;
    return this.#heldBytes === this.#held.length;
  }

  #stand(bytes: Buffer, at: number, length: number): void {
    this.#count += 1;
    this.type = bytes[at + 3] ?? 0;
    this.flags = bytes[at + 4] ?? 0;
    this.streamId = uint31(bytes, at + 5);
    this.bytes = bytes;
    this.start = at + FRAME_HEAD_BYTES;
    this.end = this.start + length;
  }
}

function payloadLength(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}
