import {
  HEAD_BYTES_MAX,
  HEAD_TIMEOUT_MS,
  HTTP2_BLOCK_BYTES_MAX,
  HTTP2_CONTINUATIONS_MAX,
  HTTP2_FIELD_LINES_MAX,
  HTTP2_KNOWN_BLOCK_BYTES_MAX,
  HTTP2_TABLE_BYTES_MAX,
} from "../../limits.ts";
import { type Decoded, HpackDecoder } from "../hpack/decoder.ts";
import { type ConnectionError, connectionError, ErrorCode } from "./frames.ts";

const NOTHING = Buffer.alloc(0);
const NEVER = Infinity;

/** The field blocks of one connection, one at a time, whole or in fragments (RFC 9113 §4.3). */
export class HeaderBlock {
  readonly #decoder = new HpackDecoder({
    tableBytesMax: HTTP2_TABLE_BYTES_MAX,
    fieldsBytesMax: HEAD_BYTES_MAX,
    fieldLinesMax: HTTP2_FIELD_LINES_MAX,
  });
  /** A block that may come again, and what it says as long as the table stays as it is. */
  #known: Buffer = NOTHING;
  #knownBytes = 0;
  #knownVersion = 0;
  #knownDecoded: Decoded | undefined;
  /** Of the block that has begun and not ended; 0 while there is none. */
  #streamId = 0;
  #fragments: Buffer[] = [];
  #bytes = 0;
  #deadline = NEVER;

  /** Whose block has to be continued before anything else may come; 0: nobody's. */
  get streamId(): number {
    return this.#streamId;
  }

  /** Begins a block that does not end with its HEADERS frame. */
  begin(streamId: number, bytes: Buffer, start: number, end: number, now: number): void {
    this.#streamId = streamId;
    this.#deadline = now + HEAD_TIMEOUT_MS;
    this.#add(bytes, start, end);
  }

  /** Adds a CONTINUATION. What cannot be kept cannot be decoded, and the tables fall apart. */
  continue(bytes: Buffer, start: number, end: number): ConnectionError | undefined {
    this.#add(bytes, start, end);
    const continuations = this.#fragments.length - 1;
    if (this.#bytes > HTTP2_BLOCK_BYTES_MAX || continuations > HTTP2_CONTINUATIONS_MAX) {
      return connectionError(ErrorCode.enhanceYourCalm, "a field block without an end");
    }
    return undefined;
  }

  /** Decodes the block that was begun. */
  end(): Decoded {
    const block = Buffer.concat(this.#fragments, this.#bytes);
    this.#streamId = 0;
    this.#fragments = [];
    this.#bytes = 0;
    this.#deadline = NEVER;
    return this.#decoder.decode(block, 0, block.length);
  }

  /**
   * Decodes a block that has come in one frame. One that repeats the last, and says the same, is
   * the same object: clients that ask for one thing after another say little else.
   */
  decode(bytes: Buffer, start: number, end: number): Decoded {
    const { tableVersion } = this.#decoder;
    const known = this.#knownDecoded;
    if (known !== undefined && this.#knownVersion === tableVersion) {
      if (this.#isKnown(bytes, start, end)) return known;
    }
    const decoded = this.#decoder.decode(bytes, start, end);
    // A block that changes the table itself says something else the next time.
    const stays = this.#decoder.tableVersion === tableVersion;
    if (stays && end - start <= HTTP2_KNOWN_BLOCK_BYTES_MAX) {
      if (this.#known === NOTHING) {
        this.#known = Buffer.allocUnsafeSlow(HTTP2_KNOWN_BLOCK_BYTES_MAX);
      }
      this.#knownBytes = bytes.copy(this.#known, 0, start, end);
      this.#knownVersion = tableVersion;
      this.#knownDecoded = decoded;
    }
    return decoded;
  }

  /** Whether a block that has begun should have ended by now. */
  isLate(now: number): boolean {
    return now >= this.#deadline;
  }

  /** Copied: a fragment of an octet must not keep all that came with it. */
  #add(bytes: Buffer, start: number, end: number): void {
    this.#fragments.push(Buffer.from(bytes.subarray(start, end)));
    this.#bytes += end - start;
  }

  #isKnown(bytes: Buffer, start: number, end: number): boolean {
    if (this.#knownBytes !== end - start) return false;
    for (let i = 0; i < this.#knownBytes; i += 1) {
      if (this.#known[i] !== bytes[start + i]) return false;
    }
    return true;
  }
}
