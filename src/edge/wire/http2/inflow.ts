import { HTTP2_CONNECTION_WINDOW_BYTES } from "../../limits.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { INITIAL_WINDOW_BYTES } from "./frames.ts";
import { ReceiveWindow } from "./receive-window.ts";
import type { Stream } from "./stream.ts";

/** How much content the peer may send, and when it is told so (RFC 9113 §5.2, §6.9). */
export class Inflow {
  readonly #writer: FrameWriter;
  readonly #wake: () => void;
  readonly #window = new ReceiveWindow(HTTP2_CONNECTION_WINDOW_BYTES);
  #closed = false;

  constructor(writer: FrameWriter, wake: () => void) {
    this.#writer = writer;
    this.#wake = wake;
  }

  /** RFC 9113 §6.9.2: SETTINGS do not change the connection's window. */
  open(): void {
    this.#writer.windowUpdate(0, HTTP2_CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES);
  }

  /** Counts a DATA frame; answers whether it was within the connection's window. */
  receive(frameBytes: number): boolean {
    return this.#window.receive(frameBytes);
  }

  /** These octets were taken or dropped: as many more may come on any stream. */
  release(bytes: number): void {
    this.#update(0, this.#window.take(bytes));
  }

  /** The same, on this stream too. */
  releaseOf(stream: Stream, bytes: number): void {
    this.release(bytes);
    const increment = stream.incoming?.take(bytes) ?? 0;
    if (!stream.isComplete && !stream.left) this.#update(stream.id, increment);
  }

  /** No more will be received. */
  close(): void {
    this.#closed = true;
  }

  #update(streamId: number, increment: number): void {
    if (increment === 0 || this.#closed) return;
    this.#writer.windowUpdate(streamId, increment);
    this.#wake();
  }
}
