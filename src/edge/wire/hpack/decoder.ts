import { BlockReader, MALFORMED_INTEGER } from "./block-reader.ts";
import { DecoderTable } from "./decoder-table.ts";
import { ENTRY_OVERHEAD_BYTES, INITIAL_TABLE_BYTES } from "./entry.ts";
import { STATIC_INDEX_MAX, STATIC_NAMES, STATIC_VALUES } from "./static-table.ts";

/** What a block says. */
export type Decoded =
  /** Names and values alternating, one character per octet, in order. */
  | { readonly kind: "fields"; readonly fields: string[] }
  /** The section is above its limits: nothing of it is kept, but the dynamic table is in step. */
  | { readonly kind: "too-large" }
  /** The connection ends with COMPRESSION_ERROR (RFC 9113 §4.3). */
  | { readonly kind: "malformed"; readonly reason: string };

/** What a decoder takes. */
export interface DecoderLimits {
  /** What SETTINGS_HEADER_TABLE_SIZE announces. */
  readonly tableBytesMax: number;
  /** What SETTINGS_MAX_HEADER_LIST_SIZE announces: each line counts 32 more (RFC 9113 §6.5.2). */
  readonly fieldsBytesMax: number;
  readonly fieldLinesMax: number;
}

/** RFC 7541 §4.2: the smallest size since the last block, and the last one. */
const SIZE_UPDATES_MAX = 2;

/** The first octets of the representations (RFC 7541 §6), from which each one begins. */
const INDEXED = 0x80;
const LITERAL_WITH_INDEXING = 0x40;
const SIZE_UPDATE = 0x20;

const TOO_LARGE: Decoded = { kind: "too-large" };

/** The decoding side of one connection (RFC 7541 §2.2). */
export class HpackDecoder {
  readonly #limits: DecoderLimits;
  readonly #table = new DecoderTable(INITIAL_TABLE_BYTES);

  constructor(limits: DecoderLimits) {
    this.#limits = limits;
  }

  /**
   * Moves on with each change of the dynamic table: equal blocks mean equal fields while it stays.
   * A block that moves it itself has to be decoded again each time.
   */
  get tableVersion(): number {
    return this.#table.version;
  }

  /** Decodes the block from `start` to `end` (RFC 7541 §3). It never throws. */
  decode(block: Buffer, start: number, end: number): Decoded {
    const { fieldsBytesMax, fieldLinesMax } = this.#limits;
    const reader = new BlockReader(block, start, end);
    const fields: string[] = [];
    let bytes = 0;
    let lines = 0;
    let sizeUpdates = 0;
    while (!reader.ended) {
      const first = reader.octet();
      let name: string | undefined;
      let value: string | undefined;
      if (first >= INDEXED) {
        const index = reader.integer(first, 0x7f);
        name = this.#nameAt(index);
        value = this.#valueAt(index);
        if (name === undefined || value === undefined) return malformedIndex(index);
      } else if (first >= LITERAL_WITH_INDEXING || first < SIZE_UPDATE) {
        // RFC 7541 §6.2.2 and §6.2.3 differ in what an intermediary may do, not in what they say.
        const index = reader.integer(first, first < SIZE_UPDATE ? 0x0f : 0x3f);
        name = index === 0 ? reader.string() : this.#nameAt(index);
        if (name === undefined) return index === 0 ? malformedString() : malformedIndex(index);
        value = reader.string();
        if (value === undefined) return malformedString();
        if (first >= LITERAL_WITH_INDEXING) this.#table.insert(name, value);
      } else {
        sizeUpdates += 1;
        if (lines > 0) return malformed("a size update after a field line");
        if (sizeUpdates > SIZE_UPDATES_MAX) return malformed("too many size updates");
        const bytesMax = reader.integer(first, 0x1f);
        if (bytesMax < 0) return malformed("a malformed integer");
        if (bytesMax > this.#limits.tableBytesMax) return malformed("a table above its limit");
        this.#table.resize(bytesMax);
        continue;
      }
      lines += 1;
      bytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
      if (bytes <= fieldsBytesMax && lines <= fieldLinesMax) fields.push(name, value);
    }
    return bytes <= fieldsBytesMax && lines <= fieldLinesMax
      ? { kind: "fields", fields }
      : TOO_LARGE;
  }

  /** RFC 7541 §2.3.3. `undefined`: there is no entry at the index. */
  #nameAt(index: number): string | undefined {
    if (index > STATIC_INDEX_MAX) return this.#table.nameAt(index - STATIC_INDEX_MAX - 1);
    return index < 0 ? undefined : STATIC_NAMES[index];
  }

  #valueAt(index: number): string | undefined {
    if (index > STATIC_INDEX_MAX) return this.#table.valueAt(index - STATIC_INDEX_MAX - 1);
    return index < 0 ? undefined : STATIC_VALUES[index];
  }
}

function malformedIndex(index: number): Decoded {
  return malformed(
    index === MALFORMED_INTEGER ? "a malformed integer" : "an index that has no entry",
  );
}

function malformedString(): Decoded {
  return malformed("a malformed string");
}

function malformed(reason: string): Decoded {
  return { kind: "malformed", reason };
}
