/**
 * The same text, of one octet a character, in one piece: what is put together of others stays a tree
 * of them in V8, which is walked again each time that it is written, and keeps all of them alive.
 */
export function flatText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
