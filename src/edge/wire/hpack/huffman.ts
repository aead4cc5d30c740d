import { CODE_LENGTHS, CODES } from "./huffman-code.ts";
import { HUFFMAN_STEPS, isPadding } from "./huffman-steps.ts";

/** Octets of `text` once coded, its padding included (RFC 7541 §5.2). */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i += 1) bits += CODE_LENGTHS[text.charCodeAt(i) & 0xff] ?? 0;
  return (bits + 7) >>> 3;
}

/** Writes `text`, one octet per character, coded (RFC 7541 §5.2). Answers the new offset. */
export function huffmanEncode(text: string, out: Buffer, at: number): number {
  let next = at;
  let octet = 0;
  let room = 8;
  for (let i = 0; i < text.length; i += 1) {
    const symbol = text.charCodeAt(i) & 0xff;
    const code = CODES[symbol] ?? 0;
    let bits = CODE_LENGTHS[symbol] ?? 0;
    while (bits >= room) {
      bits -= room;
      // What is above eight bits was written before, and is lost in the store.
      out[next] = octet | (code >>> bits);
      next += 1;
      octet = 0;
      room = 8;
    }
    room -= bits;
    octet |= (code & ((1 << bits) - 1)) << room;
  }
  if (room === 8) return next;
  // RFC 7541 §5.2: the padding is the beginning of EOS, which is all ones.
  out[next] = octet | ((1 << room) - 1);
  return next + 1;
}

/** The shortest code has five bits. */
const SYMBOLS_PER_OCTET_MAX = 8 / 5;

/** Where strings are put together. Longer ones are rare, and get a buffer of their own. */
const SCRATCH = Buffer.allocUnsafeSlow(8 * 1024);

/**
 * The text, one character per octet, whose code is `input` from `start` to `end`. `undefined`: it
 * has EOS in it, or its padding is longer than seven bits or not all ones (RFC 7541 §5.2).
 */
export function huffmanDecode(input: Buffer, start: number, end: number): string | undefined {
  // One more: a step always stores two symbols, and counts those that there are.
  const bytesMax = Math.ceil((end - start) * SYMBOLS_PER_OCTET_MAX) + 1;
  const out = bytesMax <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafe(bytesMax);
  let node = 0;
  let length = 0;
  for (let i = start; i < end; i += 1) {
    const step = HUFFMAN_STEPS[(node << 8) | (input[i] ?? 0)] ?? -1;
    if (step < 0) return undefined;
    out[length] = step >>> 8;
    out[length + 1] = step >>> 16;
    length += step >>> 24;
    node = step & 0xff;
  }
  return isPadding(node) ? out.toString("latin1", 0, length) : undefined;
}
