import {
  CHUNK_OVERHEAD_BYTES,
  CONTENT_BYTES_MAX,
  CONTENT_BYTES_MIN,
  CONTENT_TIMEOUT_MS,
} from "../../limits.ts";
import { RequestContent } from "../../request-content.ts";
import { Pace } from "../pace.ts";
import { ChunkedDecoder, type Decoded } from "./chunked.ts";

/** What the connection is told of the content that it brings in. */
interface IntakeEvents {
  /** Someone wants it, and none of it has come. */
  wanted(): void;
  /** There is room again. */
  room(): void;
}

/** So many chunks in one read are small ones. */
const JOINED_CHUNKS_MIN = 16;

const PACE_TERMS = { bytesMin: CONTENT_BYTES_MIN, timeoutMs: CONTENT_TIMEOUT_MS };

/** The content of one request as it comes in by HTTP/1.1 (RFC 9112 §6). */
export class ContentIntake {
  readonly content: RequestContent;
  readonly #events: IntakeEvents;
  readonly #decoder: ChunkedDecoder | undefined;
  #left: number;
  #waitingBytes = 0;
  /** A sender of single octets must not fill the memory with what holds them. */
  #waitingChunks = 0;
  #receivedBytes = 0;
  #ended = false;
  readonly #pace = new Pace(PACE_TERMS);

  constructor(length: number | "unknown", now: number, events: IntakeEvents) {
    this.#events = events;
    this.#pace.wait(now, 0);
    this.#decoder = length === "unknown" ? new ChunkedDecoder() : undefined;
    this.#left = length === "unknown" ? 0 : length;
    this.content = new RequestContent({
      taken: (bytes) => this.#taken(bytes),
      wanted: () => {
        if (this.#receivedBytes === 0 && !this.#ended) events.wanted();
      },
    });
  }

  /** Whether its last octet has come, whoever took it. */
  get isWhole(): boolean {
    return this.#ended;
  }

  /** Whether the sender has to wait until some of it was read. */
  get isFull(): boolean {
    const overheadBytes = this.#waitingChunks * CHUNK_OVERHEAD_BYTES;
    return this.#waitingBytes + overheadBytes >= CONTENT_BYTES_MAX;
  }

  /** Whether the sender brings nothing, or next to nothing, though there is room for it. */
  isLate(now: number): boolean {
    if (this.#ended || this.isFull) this.#pace.rest();
    else this.#pace.wait(now, this.#receivedBytes);
    return this.#pace.isTooSlow(now);
  }

  /** Takes what belongs to this content from `input`; the content ends itself when all has come. */
  take(input: Buffer, at: number): Decoded {
    if (this.#decoder === undefined) return this.#takeLength(input, at);
    const chunks: Buffer[] = [];
    const decoded = this.#decoder.decode(input, at, (chunk) => void chunks.push(chunk));
    // Each chunk costs more than the octet that it may have: many of them are one.
    if (chunks.length > JOINED_CHUNKS_MIN) this.#add(Buffer.concat(chunks));
    else for (const chunk of chunks) this.#add(chunk);
    if (decoded.kind === "end") this.#end(this.#decoder.trailers);
    return decoded;
  }

  #takeLength(input: Buffer, at: number): Decoded {
    const end = Math.min(input.length, at + this.#left);
    this.#left -= end - at;
    this.#add(input.subarray(at, end));
    if (this.#left > 0) return { kind: "more", at: end };
    this.#end([]);
    return { kind: "end", at: end };
  }

  #end(trailers: readonly string[]): void {
    this.#ended = true;
    this.content.end(trailers);
  }

  #add(content: Buffer): void {
    if (content.length === 0) return;
    this.#receivedBytes += content.length;
    this.#waitingBytes += content.length;
    this.#waitingChunks += 1;
    this.content.add(content);
  }

  #taken(bytes: number): void {
    const wasFull = this.isFull;
    this.#waitingBytes -= bytes;
    this.#waitingChunks = this.#waitingBytes === 0 ? 0 : this.#waitingChunks - 1;
    if (wasFull && !this.isFull) this.#events.room();
  }
}
