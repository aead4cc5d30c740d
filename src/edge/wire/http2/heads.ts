import type { Clock } from "#clock.ts";
import { unreachable } from "#unreachable.ts";
import type { Decoded } from "../hpack/decoder.ts";
import type { FrameReader } from "./frame-reader.ts";
import { type ConnectionError, connectionError, ErrorCode, Flag, uint31 } from "./frames.ts";
import { HeaderBlock } from "./header-block.ts";
import type { Requests } from "./requests.ts";
import type { Streams } from "./streams.ts";

/** A block, and what is to become of it once it has come and was decoded. */
interface Purpose {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly kind: "request" | "trailers" | "nothing";
  /** The stream error that it ends in, whatever it says. */
  readonly error: ErrorCode | undefined;
}

/** RFC 9113 §6.2: stream dependency and weight. */
const PRIORITY_BYTES = 5;

/**
 * HEADERS and CONTINUATION frames (RFC 9113 §6.2, §6.10). What they bring is decoded even where
 * nobody wants it, as the tables of both sides have to stay in step (§4.3).
 */
export class Heads {
  readonly #clock: Clock;
  readonly #streams: Streams;
  readonly #requests: Requests;
  readonly #block = new HeaderBlock();
  #purpose: Purpose | undefined;
  #refusing = false;

  constructor(streams: Streams, requests: Requests, clock: Clock) {
    this.#clock = clock;
    this.#streams = streams;
    this.#requests = requests;
  }

  /** Whether a block has begun that has to be continued before anything else may come. */
  get isOpen(): boolean {
    return this.#block.streamId !== 0;
  }

  /** New requests are dropped: a GOAWAY has told so (RFC 9113 §6.8). */
  refuse(): void {
    this.#refusing = true;
  }

  /** Whether a block that has begun should have ended by now. */
  isLate(now: number): boolean {
    return this.#block.isLate(now);
  }

  /** RFC 9113 §6.2. */
  headers(frame: FrameReader): ConnectionError | undefined {
    const { flags, streamId } = frame;
    if (streamId % 2 === 0) {
      return connectionError(ErrorCode.protocolError, "HEADERS of a stream that no client begins");
    }
    const isPrior = (flags & Flag.priority) !== 0;
    const fault = frame.unpad(isPrior ? PRIORITY_BYTES : 0);
    if (fault !== undefined) return fault;
    const { bytes, end } = frame;
    const dependsOn = isPrior ? uint31(bytes, frame.start) : 0;
    const start = frame.start + (isPrior ? PRIORITY_BYTES : 0);
    // RFC 7540 §5.3.1, which RFC 9113 §5.3.2 leaves to those who still read priorities.
    const error = dependsOn === streamId ? ErrorCode.protocolError : undefined;
    const purpose = this.#purposeOf(streamId, (flags & Flag.endStream) !== 0, error);
    if ("code" in purpose) return purpose;
    if ((flags & Flag.endHeaders) !== 0) {
      return this.#decoded(purpose, this.#block.decode(bytes, start, end));
    }
    this.#purpose = purpose;
    this.#block.begin(streamId, bytes, start, end, this.#clock.now());
    return undefined;
  }

  /** RFC 9113 §6.10. */
  continuation(frame: FrameReader): ConnectionError | undefined {
    const purpose = this.#purpose;
    if (purpose === undefined || purpose.streamId !== frame.streamId) {
      return connectionError(ErrorCode.protocolError, "CONTINUATION of nothing");
    }
    const fault = this.#block.continue(frame.bytes, frame.start, frame.end);
    if (fault !== undefined || (frame.flags & Flag.endHeaders) === 0) return fault;
    this.#purpose = undefined;
    return this.#decoded(purpose, this.#block.end());
  }

  /** What HEADERS are on this stream, as it stands (RFC 9113 §5.1). */
  #purposeOf(
    streamId: number,
    endStream: boolean,
    error: ErrorCode | undefined,
  ): Purpose | ConnectionError {
    const open = this.#streams.find(streamId);
    if (open !== undefined) {
      if (open.isReceiving) return { streamId, endStream, kind: "trailers", error };
      return { streamId, endStream, kind: "nothing", error: ErrorCode.streamClosed };
    }
    const standing = this.#streams.standing(streamId);
    switch (standing) {
      case "idle":
        return this.#begin(streamId, endStream, error);
      case "reset-here":
        return { streamId, endStream, kind: "nothing", error: undefined };
      case "reset-by-peer":
        return { streamId, endStream, kind: "nothing", error: ErrorCode.streamClosed };
      case "ended":
        return connectionError(ErrorCode.streamClosed, "HEADERS of a stream that has ended");
      case "skipped":
        return connectionError(ErrorCode.protocolError, "a stream below those that have begun");
      default:
        return unreachable(standing);
    }
  }

  #begin(streamId: number, endStream: boolean, error: ErrorCode | undefined): Purpose {
    this.#streams.begin(streamId);
    if (this.#refusing) {
      this.#streams.reset(streamId, "reset-here");
      return { streamId, endStream, kind: "nothing", error: undefined };
    }
    // RFC 9113 §5.1.2.
    const refused = this.#streams.isFull ? ErrorCode.refusedStream : undefined;
    return { streamId, endStream, kind: "request", error: error ?? refused };
  }

  #decoded(purpose: Purpose, decoded: Decoded): ConnectionError | undefined {
    const { streamId, endStream, error, kind } = purpose;
    if (decoded.kind === "malformed") {
      return connectionError(ErrorCode.compressionError, decoded.reason);
    }
    if (error !== undefined) {
      return this.#requests.streamError(streamId, error, "HEADERS that the stream does not take");
    }
    switch (kind) {
      case "request":
        return this.#requests.begin(streamId, endStream, decoded);
      case "trailers":
        return this.#requests.trailers(streamId, endStream, decoded);
      case "nothing":
        return this.#requests.ignore();
      default:
        return unreachable(kind);
    }
  }
}
