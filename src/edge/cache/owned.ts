/**
 * What is kept for long owns its memory: a slice of 1 octet keeps all of a socket's read alive, or
 * 64 KiB of Node's pool, and none of that is on the budget.
 */

/** These bytes in memory of their own, copied only if they share it. */
export function ownedBytes(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength === bytes.length ? bytes : joinedBytes([bytes], bytes.length);
}

/** These chunks as one, in memory of its own: `Buffer.concat` takes what is small from the pool. */
export function joinedBytes(chunks: readonly Buffer[], sizeBytes: number): Buffer {
  const joined = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(joined, at);
  return joined;
}

/**
 * This text, one octet a character, in memory of its own: a slice keeps the string that it was cut
 * from alive, and a concatenation keeps its parts.
 */
export function ownedText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
