import { ENTRY_OVERHEAD_BYTES, INITIAL_TABLE_BYTES } from "./entry.ts";
import { INTEGER_BYTES_MAX, writeInteger } from "./integer.ts";
import { stringBytesMax, writeLiteralName, writePlainString } from "./literal.ts";
import { type PreparedFields, type RepeatingField, repeatingField } from "./prepared-fields.ts";
import { STATIC_INDEX_MAX, STATIC_NAMES, STATIC_VALUES } from "./static-table.ts";

/** RFC 7541 §6.1: an indexed field. */
const INDEXED = 0x80;
const INDEX_PREFIX_MAX = 0x7f;

/** RFC 7541 §6.2.1, §6.2.2: the index of a literal's name, with and without indexing. */
const INDEXED_NAME_PREFIX_MAX = 0x3f;
const NAME_PREFIX_MAX = 0x0f;

/** RFC 7541 §6.3: a size update. */
const SIZE_UPDATE = 0x20;
const SIZE_PREFIX_MAX = 0x1f;

/** Static indexes by status code: seven of them have one (RFC 7541 Appendix A). */
const STATUS_INDEXES = new Uint8Array(1_000);
for (const [index, name] of STATIC_NAMES.entries()) {
  if (name === ":status") STATUS_INDEXES[Number(STATIC_VALUES[index])] = index;
}

/** What `begin()` and `status()` write together at most: two sizes, and a line of three digits. */
export const OPENING_BYTES_MAX = 2 * INTEGER_BYTES_MAX + 2 + stringBytesMax("200");

/** What `literal()` writes at most. */
export function literalBytesMax(name: string, value: string): number {
  return 1 + stringBytesMax(name) + stringBytesMax(value);
}

/**
 * The encoding side of one connection (RFC 7541 §2.2). Its methods write to `out` from `at` and
 * answer the new offset; the caller has made sure of the room. The dynamic table is that of the
 * peer's decoder, so all that was written has to be sent, and in its order.
 */
export class HpackEncoder {
  readonly #tableBytesOwnMax: number;
  /** The dynamic table: keys, the oldest first, with how many were inserted before each. */
  readonly #entries = new Map<string, number>();
  #inserted = 0;
  #bytes = 0;
  /** RFC 7541 §4.2: the size that the peer knows of, the next one, and the smallest between. */
  #bytesMax = INITIAL_TABLE_BYTES;
  #bytesMaxNext: number;
  #bytesMaxLeast: number;

  /** `tableBytesMax` is the most that this side uses, whatever the peer allows. */
  constructor(tableBytesMax: number) {
    this.#tableBytesOwnMax = tableBytesMax;
    this.#bytesMaxNext = Math.min(tableBytesMax, INITIAL_TABLE_BYTES);
    this.#bytesMaxLeast = this.#bytesMaxNext;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE (RFC 9113 §6.5.2). The next block follows it. */
  limitTable(bytes: number): void {
    this.#bytesMaxNext = Math.min(bytes, this.#tableBytesOwnMax);
    this.#bytesMaxLeast = Math.min(this.#bytesMaxLeast, this.#bytesMaxNext);
  }

  /** Begins a block, with a size update where the limit has changed (RFC 7541 §4.2). */
  begin(out: Buffer, at: number): number {
    let next = at;
    if (this.#bytesMaxLeast < this.#bytesMax) next = this.#resize(this.#bytesMaxLeast, out, next);
    if (this.#bytesMaxNext !== this.#bytesMax) next = this.#resize(this.#bytesMaxNext, out, next);
    this.#bytesMaxLeast = this.#bytesMax;
    return next;
  }

  /** Writes :status (RFC 9113 §8.3.2), a code of three digits. */
  status(status: number, out: Buffer, at: number): number {
    const index = STATUS_INDEXES[status] ?? 0;
    if (index === 0) return this.#repeating(repeatingField(":status", String(status)), out, at);
    out[at] = INDEXED | index;
    return at + 1;
  }

  /** Writes the fields, those that repeat first. */
  prepared(fields: PreparedFields, out: Buffer, at: number): number {
    let next = at;
    for (const field of fields.repeating) next = this.#repeating(field, out, next);
    out.set(fields.literals, next);
    return next + fields.literals.length;
  }

  /**
   * Writes a line of its own as a literal without indexing (RFC 7541 §6.2.2), or never indexed
   * where it is secret (§7.1.3). No Huffman: coding a short value takes longer than sending it.
   */
  literal(name: string, value: string, out: Buffer, at: number): number {
    return writePlainString(value, out, writeLiteralName(name, out, at));
  }

  /** By its index where the table has it (RFC 7541 §6.1); else it enters the table (§6.2.1). */
  #repeating(field: RepeatingField, out: Buffer, at: number): number {
    const number = this.#entries.get(field.key);
    if (number !== undefined) {
      const index = STATIC_INDEX_MAX + this.#inserted - number;
      return writeInteger(index, INDEXED, INDEX_PREFIX_MAX, out, at);
    }
    if (field.bytes > this.#bytesMax) return writeWithoutIndexing(field, out, at);
    this.#evictTo(this.#bytesMax - field.bytes);
    this.#entries.set(field.key, this.#inserted);
    this.#inserted += 1;
    this.#bytes += field.bytes;
    out.set(field.literal, at);
    return at + field.literal.length;
  }

  #resize(bytesMax: number, out: Buffer, at: number): number {
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
    return writeInteger(bytesMax, SIZE_UPDATE, SIZE_PREFIX_MAX, out, at);
  }

  /** RFC 7541 §4.3, §4.4: the oldest go first. A Map is in the order of insertion. */
  #evictTo(bytesLeft: number): void {
    if (this.#bytes <= bytesLeft) return;
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      // The key has the octets of name and value, and a NUL.
      this.#bytes -= key.length - 1 + ENTRY_OVERHEAD_BYTES;
      if (this.#bytes <= bytesLeft) return;
    }
  }
}

/** The field where the table has no room for it: its literal, but with another pattern. */
function writeWithoutIndexing(field: RepeatingField, out: Buffer, at: number): number {
  const nameIndex = (field.literal[0] ?? 0) & INDEXED_NAME_PREFIX_MAX;
  const start = nameIndex < NAME_PREFIX_MAX ? at : at + 1;
  out.set(field.literal, start);
  // Over its first octet, and in front of it where the shorter prefix needs a second one.
  writeInteger(nameIndex, 0, NAME_PREFIX_MAX, out, at);
  return start + field.literal.length;
}
