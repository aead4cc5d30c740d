import { ContentReader, type Room } from "../../cache/content-reader.ts";
import {
  HTTP2_DATA_BYTES_MAX,
  SMALL_BODY_BYTES_MAX,
  STALL_BYTES_MIN,
  WRITE_STALL_TIMEOUT_MS,
} from "../../limits.ts";
import type { Reply } from "../../reply.ts";
import { Pace } from "../pace.ts";
import type { ConnectionParts } from "../parts.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { ErrorCode, FRAME_BYTES_MAX, INITIAL_WINDOW_BYTES, WINDOW_BYTES_MAX } from "./frames.ts";
import type { OutgoingContent } from "./outgoing-content.ts";
import type { Responder, Stream } from "./stream.ts";
import type { Streams } from "./streams.ts";
import type { Tolerance } from "./tolerance.ts";

/** What a sender works with; `wake` has it all leave soon, if nothing else does. */
export interface SenderParts {
  readonly parts: ConnectionParts;
  readonly writer: FrameWriter;
  readonly streams: Streams;
  readonly tolerance: Tolerance;
  readonly wake: () => void;
}

const NOTHING = Buffer.alloc(0);

/** What is read there is copied at once, into a frame or to wait for its window. */
const smallBody = Buffer.allocUnsafeSlow(SMALL_BODY_BYTES_MAX);
const SMALL_ROOM: Room = { open: () => smallBody };

/**
 * The responses of one connection's streams, within the windows that the peer opens (RFC 9113 §5.2)
 * and no more than its socket takes. What is small goes at once; the others take turns.
 */
export class Sender implements Responder {
  readonly #parts: SenderParts;
  #windowBytes = INITIAL_WINDOW_BYTES;
  #sentBytes = 0;
  /** How fast the peer takes all streams together, once one of them had to wait for its window. */
  readonly #pace = new Pace({
    bytesMin: STALL_BYTES_MIN,
    timeoutMs: WRITE_STALL_TIMEOUT_MS,
  });
  /** Whose turn it is, in order: they have something to send, and their own windows are open. */
  readonly #ready = new Set<Stream>();
  /** Those that have something to send and wait for their own windows. */
  readonly #shut = new Set<Stream>();
  /** Answered before their request's content was whole. */
  #early: Stream[] = [];
  /** Those whose exchanges have ended since that was last reported. */
  #ended: Stream[] = [];

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** Whether there is something to send that no window holds back. */
  get isWilling(): boolean {
    return this.#ready.size > 0 && this.#windowBytes > 0;
  }

  inform(stream: Stream, status: number, fields: readonly string[]): void {
    // To a peer who reads nothing none are sent, so that no origin fills memory.
    if (this.#parts.writer.roomBytes === 0) return;
    this.#parts.writer.fields(stream.id, fields, status);
    this.#parts.wake();
  }

  respond(stream: Stream, reply: Reply): void {
    const { writer, wake } = this.#parts;
    const { content } = reply;
    if (content === undefined) {
      writer.reply(stream.id, reply, true);
      this.#complete(stream);
    } else if (content instanceof ContentReader) {
      this.#respondFrom(stream, reply, content);
    } else {
      this.#respondWhole(stream, reply, content);
    }
    wake();
  }

  /** The peer has opened the connection's window; answers false where that is too much. */
  openWindow(bytes: number): boolean {
    this.#windowBytes += bytes;
    return this.#windowBytes <= WINDOW_BYTES_MAX;
  }

  /** The window of the stream has moved; answers false where it is too large now. */
  openStreamWindow(stream: Stream, bytes: number): boolean {
    if (!stream.moveSendWindow(bytes)) return false;
    if (stream.sendWindowBytes > 0 && this.#shut.delete(stream)) this.#ready.add(stream);
    return true;
  }

  /** Sends what can be sent now, a frame of each stream in turn. */
  pump(): void {
    // A Set goes on to what is added to it meanwhile: whoever is not done comes last again.
    for (const stream of this.#ready) {
      if (this.#parts.writer.roomBytes === 0) break;
      const { outgoing } = stream;
      if (outgoing === undefined) this.#ready.delete(stream);
      else this.#sendTurn(stream, outgoing);
    }
    this.#notePace();
  }

  /**
   * RFC 9113 §8.1: who was answered before its content was whole is asked to stop. Its last frames
   * may have come in the same batch as its first: then there is nothing to stop.
   */
  stopEarly(): void {
    if (this.#early.length === 0) return;
    for (const stream of this.#early) {
      if (this.#parts.streams.find(stream.id) === stream) {
        this.reset(stream.id, ErrorCode.noError, "it was answered before its end");
      }
    }
    this.#early = [];
  }

  /** RFC 9113 §5.4.2. */
  reset(id: number, code: ErrorCode, reason: string): void {
    this.#parts.writer.rstStream(id, code);
    this.drop(id, "reset-here", reason);
    this.#parts.wake();
  }

  /** Forgets a stream that one side has reset. */
  drop(id: number, standing: "reset-by-peer" | "reset-here", reason: string): void {
    const { streams } = this.#parts;
    const stream = streams.find(id);
    streams.reset(id, standing);
    if (stream !== undefined) this.#abandon(stream, reason);
  }

  /** The connection is gone, and all its streams with it. */
  dropAll(reason: string): void {
    for (const stream of this.#parts.streams) {
      this.#parts.streams.end(stream.id);
      this.#abandon(stream, reason);
    }
  }

  /** Whether the peer opens the connection's window next to not at all. */
  isTooSlow(now: number): boolean {
    return this.#pace.isTooSlow(now);
  }

  /** Tells of the exchanges that have ended: one look at the stopwatch for all of a batch. */
  report(): void {
    if (this.#ended.length === 0) return;
    const { observer, stopwatch } = this.#parts.parts;
    const ended = this.#ended;
    this.#ended = [];
    const now = stopwatch.now();
    for (const stream of ended) {
      const ending = stream.ending(now);
      if (ending !== undefined) observer.ended(ending);
    }
  }

  /** Who lets a stream wait and then the connection does not begin anew each time. */
  #notePace(): void {
    if (this.isWilling || this.#ready.size + this.#shut.size === 0) this.#pace.rest();
    else if (this.#ready.size > 0) this.#pace.wait(this.#now(), this.#sentBytes);
    else this.#pace.waitOn(this.#now(), this.#sentBytes);
  }

  #respondFrom(stream: Stream, reply: Reply, content: ContentReader): void {
    const small = content.readSmall(SMALL_ROOM);
    if (small !== undefined) {
      content.close();
      this.#respondWhole(stream, reply, small);
      return;
    }
    this.#parts.writer.reply(stream.id, reply, false);
    const outgoing = stream.hold(content);
    outgoing.whenReadable(() => this.#readable(stream));
    this.#ready.add(stream);
  }

  /** What is there as a whole goes at once if it may: it waits for no turn, and leaves no trace. */
  #respondWhole(stream: Stream, reply: Reply, content: Buffer): void {
    const { writer } = this.#parts;
    const bytes = content.length;
    writer.reply(stream.id, reply, bytes === 0);
    if (bytes === 0) {
      this.#complete(stream);
    } else if (
      bytes <=
      Math.min(FRAME_BYTES_MAX, stream.sendWindowBytes, this.#windowBytes, writer.roomBytes)
    ) {
      writer.data(stream.id, content, 0, bytes, true);
      this.#noteSent(stream, bytes);
      this.#complete(stream);
    } else {
      stream.hold(content);
      this.#ready.add(stream);
    }
  }

  #sendTurn(stream: Stream, outgoing: OutgoingContent): void {
    const next = outgoing.look();
    switch (next) {
      case "pending":
        outgoing.pace.rest();
        this.#ready.delete(stream);
        return;
      case "truncated":
        // RFC 9113 §8.1.1: the client must not take what it has for the whole.
        this.reset(stream.id, ErrorCode.internalError, "the response broke off");
        return;
      case "end":
        this.#end(stream, outgoing);
        return;
      case "octets":
        this.#sendOctets(stream, outgoing);
    }
  }

  #sendOctets(stream: Stream, outgoing: OutgoingContent): void {
    if (stream.sendWindowBytes <= 0) {
      outgoing.pace.wait(this.#now(), stream.sentBytes);
      this.#ready.delete(stream);
      this.#shut.add(stream);
      return;
    }
    if (this.#windowBytes <= 0) {
      // It keeps its turn. That others used the window up is not its fault.
      outgoing.pace.rest();
      return;
    }
    const { bytes, at } = outgoing;
    const count = Math.min(
      outgoing.availableBytes,
      HTTP2_DATA_BYTES_MAX,
      stream.sendWindowBytes,
      this.#windowBytes,
    );
    outgoing.advance(count);
    const isLast = outgoing.look() === "end" && outgoing.trailers.length === 0;
    this.#parts.writer.data(stream.id, bytes, at, at + count, isLast);
    this.#noteSent(stream, count);
    this.#ready.delete(stream);
    if (isLast) this.#complete(stream);
    else this.#ready.add(stream);
  }

  /** The end came to be known after the last octets had gone, or has trailers. */
  #end(stream: Stream, outgoing: OutgoingContent): void {
    const { writer } = this.#parts;
    if (outgoing.trailers.length > 0) writer.fields(stream.id, outgoing.trailers);
    else writer.data(stream.id, NOTHING, 0, 0, true);
    this.#complete(stream);
  }

  #noteSent(stream: Stream, bytes: number): void {
    this.#windowBytes -= bytes;
    this.#sentBytes += bytes;
    stream.noteSent(bytes);
    this.#parts.tolerance.sent(bytes);
  }

  #complete(stream: Stream): void {
    this.#ready.delete(stream);
    this.#shut.delete(stream);
    stream.complete();
    this.#ended.push(stream);
    this.#parts.tolerance.answered();
    if (stream.isReceiving) this.#early.push(stream);
    else this.#parts.streams.end(stream.id);
  }

  #abandon(stream: Stream, reason: string): void {
    this.#ready.delete(stream);
    this.#shut.delete(stream);
    stream.leave(reason);
    if (!stream.isComplete) this.#ended.push(stream);
  }

  #readable(stream: Stream): void {
    if (stream.outgoing === undefined || this.#shut.has(stream)) return;
    this.#ready.add(stream);
    this.#parts.wake();
  }

  #now(): number {
    return this.#parts.parts.clock.now();
  }
}
