import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { HTTP2_OUTPUT_BYTES_MAX, HTTP2_TABLE_BYTES_MAX } from "../../limits.ts";
import type { Reply } from "../../reply.ts";
import { HpackEncoder, literalBytesMax, OPENING_BYTES_MAX } from "../hpack/encoder.ts";
import { Output } from "../output.ts";
import type { Slabs } from "../slabs.ts";
import {
  type ErrorCode,
  Flag,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  FrameType,
  writeUint32,
} from "./frames.ts";
import { OWN_SETTINGS, SETTING_BYTES } from "./settings.ts";

const CONTENT_LENGTH = "content-length";
const REQUEST_ID = "x-request-id";

/** What a reply's block takes beside its fields, at most: the lengths are those of the longest. */
const REPLY_BYTES =
  OPENING_BYTES_MAX +
  literalBytesMax(CONTENT_LENGTH, String(Number.MAX_SAFE_INTEGER)) +
  literalBytesMax(REQUEST_ID, "");

/** Puts frames together where they leave from. All of a batch leaves when it is flushed. */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #output: Output;
  readonly #encoder = new HpackEncoder(HTTP2_TABLE_BYTES_MAX);
  /** Octets that the socket holds, as of the last look, and what was put behind them since. */
  #heldBytes = 0;
  #putBytes = 0;

  constructor(socket: Socket, slabs: Slabs) {
    // Else it could hold all that it may, and never tell that it has room again.
    assert(socket.writableHighWaterMark <= HTTP2_OUTPUT_BYTES_MAX);
    this.#socket = socket;
    this.#output = new Output(socket, slabs);
  }

  /** How much may be put before the peer has to read. Never negative. */
  get roomBytes(): number {
    return Math.max(0, HTTP2_OUTPUT_BYTES_MAX - this.#heldBytes - this.#putBytes);
  }

  /** Whether the socket waits for the peer to read, and its "drain" will be heard. */
  get isBlocked(): boolean {
    return this.#output.isFull;
  }

  /** Looks again at what the socket holds. */
  look(): void {
    this.#heldBytes = this.#socket.writableLength;
  }

  flush(): void {
    if (this.#putBytes === 0) return;
    this.#output.flush();
    this.#putBytes = 0;
    this.look();
  }

  /** RFC 7541 §4.2. */
  limitTable(bytes: number): void {
    this.#encoder.limitTable(bytes);
  }

  settings(): void {
    const length = (OWN_SETTINGS.length / 2) * SETTING_BYTES;
    const out = this.#begin(length, FrameType.settings, 0, 0);
    let at = this.#output.at + FRAME_HEAD_BYTES;
    for (let i = 0; i < OWN_SETTINGS.length; i += 2) {
      out[at + 1] = OWN_SETTINGS[i] ?? 0;
      out[at] = 0;
      writeUint32(out, at + 2, OWN_SETTINGS[i + 1] ?? 0);
      at += SETTING_BYTES;
    }
    this.#advance(at);
  }

  settingsAck(): void {
    this.#begin(0, FrameType.settings, Flag.ack, 0);
    this.#advance(this.#output.at + FRAME_HEAD_BYTES);
  }

  pingAck(bytes: Buffer, start: number, end: number): void {
    const out = this.#begin(end - start, FrameType.ping, Flag.ack, 0);
    const at = this.#output.at + FRAME_HEAD_BYTES;
    bytes.copy(out, at, start, end);
    this.#advance(at + end - start);
  }

  goAway(lastStreamId: number, code: ErrorCode, reason: string): void {
    const length = 8 + reason.length;
    const out = this.#begin(length, FrameType.goAway, 0, 0);
    const at = this.#output.at + FRAME_HEAD_BYTES;
    writeUint32(out, at, lastStreamId);
    writeUint32(out, at + 4, code);
    out.write(reason, at + 8, "latin1");
    this.#advance(at + length);
  }

  rstStream(streamId: number, code: ErrorCode): void {
    this.#number(FrameType.rstStream, streamId, code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#number(FrameType.windowUpdate, streamId, increment);
  }

  /** `end - start` is at most `FRAME_BYTES_MAX`. */
  data(streamId: number, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const flags = endStream ? Flag.endStream : 0;
    const out = this.#begin(end - start, FrameType.data, flags, streamId);
    const at = this.#output.at + FRAME_HEAD_BYTES;
    bytes.copy(out, at, start, end);
    this.#advance(at + end - start);
  }

  /** The head of a response (RFC 9113 §8.3.2), with what the wire adds to its fields. */
  reply(streamId: number, reply: Reply, endStream: boolean): void {
    const section = reply.section.http2;
    const own = reply.own.http2;
    const { contentLength, requestId } = reply;
    const bytesMax = REPLY_BYTES + requestId.length + section.bytesMax + own.bytesMax;
    const encoder = this.#encoder;
    const { out, at } = this.#openBlock(bytesMax);
    let end = encoder.begin(out, at);
    end = encoder.status(reply.status, out, end);
    end = encoder.prepared(section, out, end);
    end = encoder.prepared(own, out, end);
    if (contentLength !== undefined) {
      end = encoder.literal(CONTENT_LENGTH, String(contentLength), out, end);
    }
    end = encoder.literal(REQUEST_ID, requestId, out, end);
    this.#closeBlock(streamId, out, at, end, endStream);
  }

  /** An interim response, or the trailers, which have no status (RFC 9113 §8.1). */
  fields(streamId: number, fields: readonly string[], status?: number): void {
    let bytesMax = OPENING_BYTES_MAX;
    for (let i = 0; i < fields.length; i += 2) {
      bytesMax += literalBytesMax(fields[i] ?? "", fields[i + 1] ?? "");
    }
    const { out, at } = this.#openBlock(bytesMax);
    let end = this.#encoder.begin(out, at);
    if (status !== undefined) end = this.#encoder.status(status, out, end);
    for (let i = 0; i < fields.length; i += 2) {
      end = this.#encoder.literal(fields[i] ?? "", fields[i + 1] ?? "", out, end);
    }
    this.#closeBlock(streamId, out, at, end, status === undefined);
  }

  /** Where a block is encoded: what fits one frame where it leaves from, behind its frame head. */
  #openBlock(bytesMax: number): { readonly out: Buffer; readonly at: number } {
    if (bytesMax > FRAME_BYTES_MAX) return { out: Buffer.allocUnsafe(bytesMax), at: 0 };
    const out = this.#output.reserve(FRAME_HEAD_BYTES + bytesMax);
    return { out, at: this.#output.at + FRAME_HEAD_BYTES };
  }

  #closeBlock(streamId: number, out: Buffer, at: number, end: number, endStream: boolean): void {
    const endStreamFlag = endStream ? Flag.endStream : 0;
    if (at > 0) {
      const flags = endStreamFlag | Flag.endHeaders;
      writeFrameHead(out, at - FRAME_HEAD_BYTES, end - at, FrameType.headers, flags, streamId);
      this.#advance(end);
      return;
    }
    // RFC 9113 §4.3: HEADERS and CONTINUATIONs, with nothing between them.
    for (let start = 0; start < end; start += FRAME_BYTES_MAX) {
      const stop = Math.min(end, start + FRAME_BYTES_MAX);
      const type = start === 0 ? FrameType.headers : FrameType.continuation;
      const flags = (start === 0 ? endStreamFlag : 0) | (stop === end ? Flag.endHeaders : 0);
      const slab = this.#begin(stop - start, type, flags, streamId);
      const frameAt = this.#output.at + FRAME_HEAD_BYTES;
      out.copy(slab, frameAt, start, stop);
      this.#advance(frameAt + stop - start);
    }
  }

  #number(type: number, streamId: number, value: number): void {
    const out = this.#begin(4, type, 0, streamId);
    const at = this.#output.at + FRAME_HEAD_BYTES;
    writeUint32(out, at, value);
    this.#advance(at + 4);
  }

  /** Makes room for a frame and writes its head. */
  #begin(length: number, type: number, flags: number, streamId: number): Buffer {
    const out = this.#output.reserve(FRAME_HEAD_BYTES + length);
    writeFrameHead(out, this.#output.at, length, type, flags, streamId);
    return out;
  }

  #advance(end: number): void {
    this.#putBytes += end - this.#output.at;
    this.#output.advance(end);
  }
}

/** RFC 9113 §4.1. */
function writeFrameHead(
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  writeUint32(out, at + 5, streamId);
}
