import { HTTP2_CLOSED_MAX, HTTP2_STREAMS_MAX } from "../../limits.ts";
import type { Stream } from "./stream.ts";

/** Where a stream stands that is not open (RFC 9113 §5.1). */
export type Standing =
  | "idle"
  /** Both sides have sent END_STREAM. */
  | "ended"
  /** Closed by a later one before it was used (RFC 9113 §5.1.1). */
  | "skipped"
  | "reset-by-peer"
  | "reset-here";

/** The streams of one connection: those that are open, and what has to be known of others. */
export class Streams implements Iterable<Stream> {
  readonly #open = new Map<number, Stream>();
  /** The oldest first. */
  readonly #resets = new Map<number, "reset-by-peer" | "reset-here">();
  /** First and last of ids that were left out. Clients number their streams without gaps. */
  readonly #gaps: { readonly first: number; readonly last: number }[] = [];
  #highestId = 0;

  get size(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= HTTP2_STREAMS_MAX;
  }

  /** The highest that the peer has begun; 0 before it has. */
  get highestId(): number {
    return this.#highestId;
  }

  find(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  [Symbol.iterator](): Iterator<Stream> {
    return this.#open.values();
  }

  /** Of a stream that is not open. */
  standing(id: number): Standing {
    // RFC 9113 §5.1.1: even ones are the server's, which begins none.
    if (id > this.#highestId || id % 2 === 0) return "idle";
    const reset = this.#resets.get(id);
    if (reset !== undefined) return reset;
    return this.#gaps.some(({ first, last }) => first <= id && id <= last) ? "skipped" : "ended";
  }

  /** The peer has begun the stream with this id, which closes all lower ones that are idle. */
  begin(id: number): void {
    const next = this.#highestId === 0 ? 1 : this.#highestId + 2;
    if (id > next) {
      if (this.#gaps.length === HTTP2_CLOSED_MAX) this.#gaps.shift();
      this.#gaps.push({ first: next, last: id - 2 });
    }
    this.#highestId = id;
  }

  open(stream: Stream): void {
    this.#open.set(stream.id, stream);
  }

  /** Both sides have ended it. */
  end(id: number): void {
    this.#open.delete(id);
  }

  /** One side has reset it. */
  reset(id: number, standing: "reset-by-peer" | "reset-here"): void {
    this.#open.delete(id);
    this.#resets.set(id, standing);
    if (this.#resets.size <= HTTP2_CLOSED_MAX) return;
    for (const oldest of this.#resets.keys()) {
      this.#resets.delete(oldest);
      return;
    }
  }
}
