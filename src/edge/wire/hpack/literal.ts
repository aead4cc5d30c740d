import { huffmanEncode, huffmanLength } from "./huffman.ts";
import { INTEGER_BYTES_MAX, writeInteger } from "./integer.ts";
import { STATIC_INDEX_OF_NAME, STATIC_NAMES } from "./static-table.ts";

/** First octets of literals: without indexing (RFC 7541 §6.2.2), and never indexed (§6.2.3). */
const WITHOUT_INDEXING = 0x00;
const NEVER_INDEXED = 0x10;

/** RFC 7541 §6.2.2 and §6.2.3: four bits of the first octet are the index of the name. */
const NAME_PREFIX_MAX = 0x0f;

/** RFC 7541 §5.2: the length has seven bits of its first octet; the eighth says Huffman. */
const LENGTH_PREFIX_MAX = 0x7f;
const HUFFMAN_CODED = 0x80;

const SECRET_NAMES: ReadonlySet<string> = new Set(["authorization", "cookie", "set-cookie"]);

/** The first octet of a literal by the static index of its name. */
const PATTERNS = Uint8Array.from(STATIC_NAMES, (name = "") => patternOf(name));

/** What a string takes at most: its length, and itself as it is, or shorter. */
export function stringBytesMax(text: string): number {
  return INTEGER_BYTES_MAX + text.length;
}

/**
 * Writes what a literal that no table keeps begins with: its pattern and its name, by the static
 * index where there is one (RFC 7541 §6.2.2). Its value has to follow. Answers the new offset.
 */
export function writeLiteralName(name: string, out: Buffer, at: number): number {
  const index = STATIC_INDEX_OF_NAME.get(name);
  if (index !== undefined) {
    return writeInteger(index, PATTERNS[index] ?? NEVER_INDEXED, NAME_PREFIX_MAX, out, at);
  }
  out[at] = patternOf(name);
  return writePlainString(name, out, at + 1);
}

/** Writes a string as it is, one octet per character (RFC 7541 §5.2). */
export function writePlainString(text: string, out: Buffer, at: number): number {
  const next = writeInteger(text.length, 0, LENGTH_PREFIX_MAX, out, at);
  out.write(text, next, "latin1");
  return next + text.length;
}

/** Writes a string, Huffman-coded where that is shorter (RFC 7541 §5.2). */
export function writeShortestString(text: string, out: Buffer, at: number): number {
  const length = huffmanLength(text);
  if (length >= text.length) return writePlainString(text, out, at);
  return huffmanEncode(text, out, writeInteger(length, HUFFMAN_CODED, LENGTH_PREFIX_MAX, out, at));
}

/** RFC 7541 §7.1.3: a value that an attacker may want to guess must not enter any table. */
function patternOf(name: string): number {
  return SECRET_NAMES.has(name) || name.startsWith("proxy-") ? NEVER_INDEXED : WITHOUT_INDEXING;
}
