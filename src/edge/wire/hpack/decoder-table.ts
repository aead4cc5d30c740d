import { ENTRY_OVERHEAD_BYTES } from "./entry.ts";

/** The slots of a new table. Most clients need no more, and to copy them is the quickest way. */
const EMPTY_SLOTS: readonly string[] = Array.from({ length: 16 }, () => "");

/** The dynamic table of a decoder (RFC 7541 §2.3.2): a ring of entries, the newest first. */
export class DecoderTable {
  /** By insertion number, modulo their length, which is a power of two. */
  #names = EMPTY_SLOTS.slice();
  #values = EMPTY_SLOTS.slice();
  #inserted = 0;
  #count = 0;
  /** RFC 7541 §4.1: the sum of the sizes of the entries. */
  #bytes = 0;
  #bytesMax: number;
  #version = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Moves on with each change. */
  get version(): number {
    return this.#version;
  }

  /** The name of an entry; `age` 0 is the newest. */
  nameAt(age: number): string | undefined {
    return age < this.#count ? this.#names[this.#slot(age)] : undefined;
  }

  /** The value of an entry; `age` 0 is the newest. */
  valueAt(age: number): string | undefined {
    return age < this.#count ? this.#values[this.#slot(age)] : undefined;
  }

  /** RFC 7541 §4.4: an entry larger than the table empties it, which is not an error. */
  insert(name: string, value: string): void {
    const entryBytes = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.#version += 1;
    this.#evictTo(this.#bytesMax - entryBytes);
    if (entryBytes > this.#bytesMax) return;
    if (this.#count === this.#names.length) this.#grow();
    const slot = this.#inserted & (this.#names.length - 1);
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#inserted += 1;
    this.#count += 1;
    this.#bytes += entryBytes;
  }

  /** RFC 7541 §4.3. */
  resize(bytesMax: number): void {
    if (bytesMax === this.#bytesMax) return;
    this.#version += 1;
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
  }

  #slot(age: number): number {
    return (this.#inserted - 1 - age) & (this.#names.length - 1);
  }

  /** Evicts the oldest until what is left takes `bytesLeft` at most; below 0 that is nothing. */
  #evictTo(bytesLeft: number): void {
    while (this.#count > 0 && this.#bytes > bytesLeft) {
      const slot = this.#slot(this.#count - 1);
      const name = this.#names[slot] ?? "";
      const value = this.#values[slot] ?? "";
      this.#bytes -= name.length + value.length + ENTRY_OVERHEAD_BYTES;
      this.#count -= 1;
      // An evicted string must not live on until its slot is needed again.
      this.#names[slot] = "";
      this.#values[slot] = "";
    }
  }

  #grow(): void {
    const capacity = 2 * this.#names.length;
    const names = Array.from({ length: capacity }, () => "");
    const values = names.slice();
    for (let age = 0; age < this.#count; age += 1) {
      const slot = (this.#inserted - 1 - age) & (capacity - 1);
      names[slot] = this.nameAt(age) ?? "";
      values[slot] = this.valueAt(age) ?? "";
    }
    this.#names = names;
    this.#values = values;
  }
}
