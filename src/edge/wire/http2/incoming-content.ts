import { CONTENT_BYTES_MAX, CONTENT_BYTES_MIN, CONTENT_TIMEOUT_MS } from "../../limits.ts";
import { RequestContent } from "../../request-content.ts";
import { Pace } from "../pace.ts";
import { ErrorCode } from "./frames.ts";
import { ReceiveWindow } from "./receive-window.ts";

/** What is told of content as it comes in by DATA frames. */
interface IncomingEvents {
  /** These octets were taken, or will never be. */
  taken(bytes: number): void;
  /** Someone wants it, and none of it has come. */
  wanted(): void;
}

/** The content of one request, from its HEADERS to the frame with END_STREAM (RFC 9113 §8.1). */
export class IncomingContent {
  readonly content: RequestContent;
  readonly #lengthBytes: number | "unknown";
  readonly #window = new ReceiveWindow(CONTENT_BYTES_MAX);
  readonly #pace = new Pace({ bytesMin: CONTENT_BYTES_MIN, timeoutMs: CONTENT_TIMEOUT_MS });
  readonly #events: IncomingEvents;
  #receivedBytes = 0;
  /** Received, and neither taken nor dropped. */
  #waitingBytes = 0;
  #ended = false;
  #closed = false;

  constructor(lengthBytes: number | "unknown", now: number, events: IncomingEvents) {
    this.#lengthBytes = lengthBytes;
    this.#events = events;
    this.#pace.wait(now, 0);
    this.content = new RequestContent({
      taken: (bytes) => this.#taken(bytes),
      wanted: () => {
        if (this.#receivedBytes === 0 && !this.#ended) events.wanted();
      },
    });
  }

  /** Whether END_STREAM has come: the stream is half-closed (remote) then. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Adds a DATA frame of which `bytes` from `start` to `end` is content; answers its fault. */
  receive(bytes: Buffer, start: number, end: number, frameBytes: number): ErrorCode | undefined {
    if (!this.#window.receive(frameBytes)) return ErrorCode.flowControlError;
    this.#receivedBytes += end - start;
    // RFC 9113 §8.1.1.
    if (this.#lengthBytes !== "unknown" && this.#receivedBytes > this.#lengthBytes) {
      return ErrorCode.protocolError;
    }
    this.#add(bytes, start, end);
    // RFC 9113 §6.1: padding is flow-controlled too, and nobody will take it.
    const paddingBytes = frameBytes - (end - start);
    if (paddingBytes > 0) this.#events.taken(paddingBytes);
    return undefined;
  }

  /** END_STREAM has come. Answers false where that was not all of it (RFC 9113 §8.1.1). */
  end(trailers: readonly string[]): boolean {
    if (this.#lengthBytes !== "unknown" && this.#receivedBytes !== this.#lengthBytes) return false;
    this.#ended = true;
    this.content.end(trailers);
    return true;
  }

  /** Counts octets that were taken; answers the increment to tell the peer of, or 0. */
  take(bytes: number): number {
    const increment = this.#window.take(bytes);
    return this.#ended ? 0 : increment;
  }

  /** Whether the sender brings nothing, or next to nothing, though there is room for it. */
  isLate(now: number): boolean {
    if (this.#ended || this.#window.isShut) this.#pace.rest();
    else this.#pace.wait(now, this.#receivedBytes);
    return this.#pace.isTooSlow(now);
  }

  /** Nobody will take any more of it: what waits and what still comes is dropped. */
  close(reason: string): void {
    this.#closed = true;
    this.content.break(reason);
    this.content.discard();
    const bytes = this.#waitingBytes;
    this.#waitingBytes = 0;
    if (bytes > 0) this.#events.taken(bytes);
  }

  #add(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#closed) {
      this.#events.taken(length);
      return;
    }
    this.#waitingBytes += length;
    const chunk = bytes.subarray(start, end);
    // A few octets must not keep all of the read that they came with.
    this.content.add(2 * length < bytes.buffer.byteLength ? Buffer.from(chunk) : chunk);
  }

  /** What a reader has in hand when it gives up is never told of as taken: `close` counts it. */
  #taken(bytes: number): void {
    if (this.#closed) return;
    this.#waitingBytes -= bytes;
    this.#events.taken(bytes);
  }
}
