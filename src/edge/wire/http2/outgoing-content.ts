import { ContentReader } from "../../cache/content-reader.ts";
import { joinedBytes } from "../../cache/owned.ts";
import { SMALL_BODY_BYTES_MAX, STALL_BYTES_MIN, WRITE_STALL_TIMEOUT_MS } from "../../limits.ts";
import { HoldUp } from "../hold-up.ts";
import { Pace } from "../pace.ts";

const NOTHING = Buffer.alloc(0);
const WINDOW_TERMS = { bytesMin: STALL_BYTES_MIN, timeoutMs: WRITE_STALL_TIMEOUT_MS };
const NO_TRAILERS: readonly string[] = [];

/** The content of one response on its way out: what of it is at hand, and how fast it is taken. */
export class OutgoingContent {
  readonly #reader: ContentReader | undefined;
  /** How fast the peer opens the stream's window, while that is what is waited for. */
  readonly pace = new Pace(WINDOW_TERMS);
  readonly #holdUp = new HoldUp();
  #bytes: Buffer;
  #at = 0;

  constructor(content: Buffer | ContentReader) {
    const isReader = content instanceof ContentReader;
    this.#reader = isReader ? content : undefined;
    this.#bytes = isReader ? NOTHING : keptWhileWaiting(content);
  }

  /** The octets at hand are those of `bytes` from `at`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get at(): number {
    return this.#at;
  }

  get availableBytes(): number {
    return this.#bytes.length - this.#at;
  }

  /** Trailer fields, names and values alternating: known at the end. */
  get trailers(): readonly string[] {
    return this.#reader?.trailers ?? NO_TRAILERS;
  }

  /** What comes next; octets are at hand then. */
  look(): "octets" | "pending" | "end" | "truncated" {
    while (this.#at === this.#bytes.length) {
      const part = this.#reader?.read() ?? "end";
      if (typeof part === "string") return part;
      this.#bytes = part;
      this.#at = 0;
    }
    return "octets";
  }

  /** So many of the octets at hand were sent. */
  advance(bytes: number): void {
    this.#at += bytes;
  }

  /** `callback` is called whenever there may be more after a "pending". */
  whenReadable(callback: () => void): void {
    this.#reader?.whenReadable(callback);
  }

  /** Whether the peer opens its window, or reads while others wait, next to not at all. */
  isTooSlow(now: number): boolean {
    return this.pace.isTooSlow(now) || this.#holdUp.isTooSlow(this.#reader, now);
  }

  close(): void {
    this.#reader?.close();
    this.#bytes = NOTHING;
    this.#at = 0;
  }
}

/**
 * What waits for the peer's windows may wait for long. A small body is part of a large piece of
 * memory, which it would keep, or fills one that the next is read into: it is copied, as it would
 * have been by now had the windows been open.
 */
function keptWhileWaiting(content: Buffer): Buffer {
  const { length } = content;
  return length <= SMALL_BODY_BYTES_MAX ? joinedBytes([content], length) : content;
}
