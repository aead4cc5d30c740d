import assert from "node:assert/strict";
import { type Decoded, HpackDecoder } from "#edge/wire/hpack/decoder.ts";
import { INTEGER_BYTES_MAX, writeInteger } from "#edge/wire/hpack/integer.ts";

/** Limits that no test reaches unless it is about them. */
export const LIMITS = { tableBytesMax: 4_096, fieldsBytesMax: 1 << 20, fieldLinesMax: 10_000 };

/** Octets as the RFC prints them. */
export function octets(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
}

/** Decodes a block that has a buffer for itself. */
export function decode(decoder: HpackDecoder, block: Buffer): Decoded {
  return decoder.decode(block, 0, block.length);
}

/** The field lines of a block that has to be sound. */
export function linesOf(decoder: HpackDecoder, block: Buffer): string[] {
  const decoded = decode(decoder, block);
  assert(decoded.kind === "fields", JSON.stringify(decoded));
  const lines: string[] = [];
  for (let i = 0; i < decoded.fields.length; i += 2) {
    lines.push(`${decoded.fields[i]}: ${decoded.fields[i + 1]}`);
  }
  return lines;
}

/** The entries of the dynamic table, the newest first, as a peer would refer to them. */
export function tableOf(decoder: HpackDecoder): string[] {
  const entries: string[] = [];
  for (let index = 62; ; index += 1) {
    const block = Buffer.alloc(INTEGER_BYTES_MAX);
    const decoded = decoder.decode(block, 0, writeInteger(index, 0x80, 0x7f, block, 0));
    if (decoded.kind !== "fields") return entries;
    entries.push(decoded.fields.join(": "));
  }
}

/** RFC 7541 §4.1, of what `tableOf` answers. */
export function tableBytes(entries: readonly string[]): number {
  return entries.reduce((sum, entry) => sum + entry.length - ": ".length + 32, 0);
}

/** A decoder whose peer has been told `tableBytesMax`, and has followed. */
export function decoderOf(limits: Partial<typeof LIMITS> = {}): HpackDecoder {
  const decoder = new HpackDecoder({ ...LIMITS, ...limits });
  const update = Buffer.alloc(INTEGER_BYTES_MAX);
  const end = writeInteger(limits.tableBytesMax ?? LIMITS.tableBytesMax, 0x20, 0x1f, update, 0);
  assert.equal(decoder.decode(update, 0, end).kind, "fields");
  return decoder;
}

/** A literal with incremental indexing and a new name (RFC 7541 §6.2.1), uncoded. */
export function indexedLiteral(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), plainString(name), plainString(value)]);
}

/** A string literal that is not Huffman-coded (RFC 7541 §5.2). */
export function plainString(text: string): Buffer {
  const length = Buffer.alloc(INTEGER_BYTES_MAX);
  const end = writeInteger(text.length, 0, 0x7f, length, 0);
  return Buffer.concat([length.subarray(0, end), Buffer.from(text, "latin1")]);
}
