const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HTAB = 0x09;
const DEL = 0x7f;

/** Results of `endOfLine` that are not a position. */
const UNFINISHED = -1;
export const FORBIDDEN = -2;

/**
 * Where the CRLF of the line from `at` stands, of text that is one octet a character. RFC 9110 §5.5:
 * other controls have no place in it.
 */
export function endOfLine(text: string, at: number): number {
  for (let i = at; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c >= SP && c !== DEL) continue;
    if (c === HTAB) continue;
    if (c !== CR) return FORBIDDEN;
    if (i + 1 === text.length) return UNFINISHED;
    return text.charCodeAt(i + 1) === LF ? i : FORBIDDEN;
  }
  return UNFINISHED;
}
