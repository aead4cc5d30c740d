import { unreachable } from "#unreachable.ts";
import { HTTP2_SMALL_DATA_BYTES } from "../../limits.ts";
import type { FrameReader } from "./frame-reader.ts";
import type { FrameWriter } from "./frame-writer.ts";
import {
  type ConnectionError,
  connectionError,
  ErrorCode,
  Flag,
  FrameType,
  uint31,
} from "./frames.ts";
import { Heads } from "./heads.ts";
import { type ReceivingParts, Requests } from "./requests.ts";
import { SETTING_BYTES } from "./settings.ts";

const NO_FIELDS: readonly string[] = [];

/**
 * What each frame of the peer's does (RFC 9113 §6). An answer is the connection error that it is;
 * stream errors are dealt with here.
 */
export class Receiver {
  readonly #parts: ReceivingParts;
  readonly #writer: FrameWriter;
  readonly #requests: Requests;
  readonly #heads: Heads;
  #settingsCame = false;
  #settingsAcked = false;
  #peerLeaves = false;

  constructor(parts: ReceivingParts, writer: FrameWriter) {
    this.#parts = parts;
    this.#writer = writer;
    this.#requests = new Requests(parts);
    this.#heads = new Heads(parts.streams, this.#requests, parts.parts.clock);
  }

  /** Whether both sides know each other's settings. */
  get isSettled(): boolean {
    return this.#settingsCame && this.#settingsAcked;
  }

  /** Whether the peer has sent GOAWAY. */
  get peerLeaves(): boolean {
    return this.#peerLeaves;
  }

  /** By the stopwatch: when the frames that follow have come. */
  startAt(now: number): void {
    this.#requests.startAt(now);
  }

  /** New requests are dropped: a GOAWAY has told so (RFC 9113 §6.8). */
  refuse(): void {
    this.#heads.refuse();
  }

  /** Whether a field block should have ended by now. */
  isLate(now: number): boolean {
    return this.#heads.isLate(now);
  }

  receive(frame: FrameReader): ConnectionError | undefined {
    if (!this.#settingsCame) {
      // RFC 9113 §3.4.
      if (frame.type !== FrameType.settings || (frame.flags & Flag.ack) !== 0) {
        return connectionError(ErrorCode.protocolError, "a preface without SETTINGS");
      }
      this.#settingsCame = true;
    }
    // RFC 9113 §4.3: nothing comes between the frames of a block.
    if (this.#heads.isOpen && frame.type !== FrameType.continuation) {
      return connectionError(ErrorCode.protocolError, "a field block that is not continued");
    }
    switch (frame.type) {
      case FrameType.headers:
        return this.#heads.headers(frame);
      case FrameType.data:
        return this.#data(frame);
      case FrameType.continuation:
        return this.#heads.continuation(frame);
      case FrameType.pushPromise:
        // RFC 9113 §8.4.
        return connectionError(ErrorCode.protocolError, "PUSH_PROMISE of a client");
      default:
        return this.#parts.tolerance.control() ?? this.#control(frame);
    }
  }

  #control(frame: FrameReader): ConnectionError | undefined {
    switch (frame.type) {
      case FrameType.priority:
        return this.#priority(frame);
      case FrameType.rstStream:
        return this.#rstStream(frame);
      case FrameType.settings:
        return this.#settings(frame);
      case FrameType.ping:
        return this.#ping(frame);
      case FrameType.goAway:
        return this.#goAway(frame);
      case FrameType.windowUpdate:
        return this.#windowUpdate(frame);
      default:
        // RFC 9113 §5.5: what is not known is ignored.
        return undefined;
    }
  }

  /** RFC 9113 §6.1. */
  #data(frame: FrameReader): ConnectionError | undefined {
    const { streamId, bytes } = frame;
    const { inflow, streams, tolerance } = this.#parts;
    const frameBytes = frame.end - frame.start;
    if (streamId === 0) return connectionError(ErrorCode.protocolError, "DATA of no stream");
    const fault = frame.unpad(0);
    if (fault !== undefined) return fault;
    const { start, end } = frame;
    if (!inflow.receive(frameBytes)) {
      return connectionError(ErrorCode.flowControlError, "DATA beyond the connection's window");
    }
    const endStream = (frame.flags & Flag.endStream) !== 0;
    if (end - start < HTTP2_SMALL_DATA_BYTES && !endStream) {
      const flood = tolerance.control();
      if (flood !== undefined) return flood;
    }
    const stream = streams.find(streamId);
    if (stream?.incoming === undefined || !stream.isReceiving) {
      inflow.release(frameBytes);
      return this.#unexpectedData(streamId);
    }
    const code = stream.incoming.receive(bytes, start, end, frameBytes);
    if (code !== undefined) {
      // What was not within the stream's window was within the connection's.
      inflow.release(frameBytes);
      return this.#requests.streamError(streamId, code, "more content than was let in");
    }
    return endStream ? this.#requests.endContent(stream, NO_FIELDS) : undefined;
  }

  /** DATA of a stream that takes none (RFC 9113 §5.1, §6.1). */
  #unexpectedData(streamId: number): ConnectionError | undefined {
    const { streams, tolerance } = this.#parts;
    const standing = streams.find(streamId) === undefined ? streams.standing(streamId) : "open";
    switch (standing) {
      case "open":
      case "reset-by-peer":
        return this.#requests.streamError(streamId, ErrorCode.streamClosed, "DATA after its end");
      case "reset-here":
        // It was sent before the peer knew.
        return tolerance.control();
      case "idle":
        return connectionError(ErrorCode.protocolError, "DATA of a stream that has not begun");
      case "ended":
      case "skipped":
        return connectionError(ErrorCode.streamClosed, "DATA of a stream that has ended");
      default:
        return unreachable(standing);
    }
  }

  /** RFC 9113 §6.3: read for its faults, and otherwise ignored. */
  #priority({ bytes, start, end, streamId }: FrameReader): ConnectionError | undefined {
    if (streamId === 0) return connectionError(ErrorCode.protocolError, "PRIORITY of no stream");
    if (end - start !== 5) {
      return this.#requests.streamError(
        streamId,
        ErrorCode.frameSizeError,
        "PRIORITY of a wrong size",
      );
    }
    if (uint31(bytes, start) !== streamId) return undefined;
    const reason = "a stream that depends on itself";
    return this.#requests.streamError(streamId, ErrorCode.protocolError, reason);
  }

  /** RFC 9113 §6.4. */
  #rstStream({ start, end, streamId }: FrameReader): ConnectionError | undefined {
    const { sender, streams, tolerance } = this.#parts;
    if (end - start !== 4) return wrongSize("RST_STREAM");
    if (streams.find(streamId) !== undefined) {
      sender.drop(streamId, "reset-by-peer", "the client has reset the stream");
      return tolerance.reset();
    }
    // One that has ended or was reset already stays what it is.
    return streams.standing(streamId) === "idle" ? idleError("RST_STREAM") : undefined;
  }

  /** RFC 9113 §6.5. */
  #settings({ bytes, start, end, flags, streamId }: FrameReader): ConnectionError | undefined {
    if (streamId !== 0) return connectionError(ErrorCode.protocolError, "SETTINGS of a stream");
    if ((flags & Flag.ack) !== 0) {
      if (start !== end) return wrongSize("an acknowledgement");
      this.#settingsAcked = true;
      return undefined;
    }
    if ((end - start) % SETTING_BYTES !== 0) return wrongSize("SETTINGS");
    const fault = this.#parts.peer.apply(bytes, start, end, {
      tableSize: (bytesMax) => this.#writer.limitTable(bytesMax),
      windowMoved: (moved) => this.#moveWindows(moved),
    });
    if (fault === undefined) this.#writer.settingsAck();
    return fault;
  }

  /** RFC 9113 §6.9.2. */
  #moveWindows(moved: number): boolean {
    const { sender, streams } = this.#parts;
    for (const stream of streams) {
      if (!sender.openStreamWindow(stream, moved)) return false;
    }
    return true;
  }

  /** RFC 9113 §6.7. */
  #ping({ bytes, start, end, flags, streamId }: FrameReader): ConnectionError | undefined {
    if (streamId !== 0) return connectionError(ErrorCode.protocolError, "PING of a stream");
    if (end - start !== 8) return wrongSize("PING");
    if ((flags & Flag.ack) === 0) this.#writer.pingAck(bytes, start, end);
    return undefined;
  }

  /** RFC 9113 §6.8. */
  #goAway({ start, end, streamId }: FrameReader): ConnectionError | undefined {
    if (streamId !== 0) return connectionError(ErrorCode.protocolError, "GOAWAY of a stream");
    if (end - start < 8) return wrongSize("GOAWAY");
    this.#peerLeaves = true;
    return undefined;
  }

  /** RFC 9113 §6.9. */
  #windowUpdate({ bytes, start, end, streamId }: FrameReader): ConnectionError | undefined {
    const { sender, streams } = this.#parts;
    if (end - start !== 4) return wrongSize("WINDOW_UPDATE");
    const increment = uint31(bytes, start);
    if (streamId === 0) {
      if (increment === 0) return connectionError(ErrorCode.protocolError, "an increment of 0");
      if (sender.openWindow(increment)) return undefined;
      return connectionError(ErrorCode.flowControlError, "a window above 2^31-1");
    }
    const stream = streams.find(streamId);
    if (stream === undefined) {
      return streams.standing(streamId) === "idle" ? idleError("WINDOW_UPDATE") : undefined;
    }
    if (increment === 0) {
      return this.#requests.streamError(streamId, ErrorCode.protocolError, "an increment of 0");
    }
    if (sender.openStreamWindow(stream, increment)) return undefined;
    const reason = "a window above 2^31-1";
    return this.#requests.streamError(streamId, ErrorCode.flowControlError, reason);
  }
}

function wrongSize(what: string): ConnectionError {
  return connectionError(ErrorCode.frameSizeError, `${what} of a wrong size`);
}

/** RFC 9113 §5.1: before it has begun, a stream takes HEADERS and PRIORITY only. */
function idleError(what: string): ConnectionError {
  return connectionError(ErrorCode.protocolError, `${what} of a stream that has not begun`);
}
