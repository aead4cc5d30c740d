import { huffmanDecode } from "./huffman.ts";

/** Octets of an integer after its prefix: 28 bits, far above every length and size that we take. */
const CONTINUATION_OCTETS_MAX = 4;

/** RFC 7541 §5.2: the string is Huffman-coded. */
const HUFFMAN_CODED = 0x80;

/** What `integer()` answers to a malformed one. */
export const MALFORMED_INTEGER = -1;

/** Reads the primitive types of a block (RFC 7541 §5) from left to right, never past its end. */
export class BlockReader {
  readonly #block: Buffer;
  readonly #end: number;
  #at: number;

  constructor(block: Buffer, start: number, end: number) {
    this.#block = block;
    this.#at = start;
    this.#end = end;
  }

  get ended(): boolean {
    return this.#at >= this.#end;
  }

  /** The next octet. The caller has looked whether there is one. */
  octet(): number {
    const octet = this.#block[this.#at] ?? 0;
    this.#at += 1;
    return octet;
  }

  /** The integer whose prefix is in `first` (RFC 7541 §5.1): malformed if cut off or too large. */
  integer(first: number, prefixMax: number): number {
    let value = first & prefixMax;
    if (value < prefixMax) return value;
    for (let i = 0; i < CONTINUATION_OCTETS_MAX && this.#at < this.#end; i += 1) {
      const octet = this.octet();
      value += (octet & 0x7f) << (7 * i);
      if (octet < 0x80) return value;
    }
    return MALFORMED_INTEGER;
  }

  /** A string literal (RFC 7541 §5.2), or `undefined`: it is cut off, or not a Huffman code. */
  string(): string | undefined {
    if (this.#at >= this.#end) return undefined;
    const first = this.octet();
    const length = this.integer(first, 0x7f);
    const start = this.#at;
    if (length < 0 || length > this.#end - start) return undefined;
    this.#at = start + length;
    if (length === 0) return "";
    return first < HUFFMAN_CODED
      ? this.#block.toString("latin1", start, this.#at)
      : huffmanDecode(this.#block, start, this.#at);
  }
}
