const SP = 0x20;
const HTAB = 0x09;
const COLON = 0x3a;

const TOKEN_OCTETS = new Uint8Array(256);
for (const c of Buffer.from(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)) {
  TOKEN_OCTETS[c] = 1;
}

/**
 * RFC 9112 §5: field-line = field-name ":" OWS field-value OWS, from `start` up to its CRLF at `end`.
 * Adds the name in lower case and the value, or answers false: then it is malformed.
 */
export function parseFieldLine(
  text: string,
  start: number,
  end: number,
  fields: string[],
): boolean {
  let colon = start;
  while (colon < end && TOKEN_OCTETS[text.charCodeAt(colon)] === 1) colon += 1;
  if (colon === start || colon === end || text.charCodeAt(colon) !== COLON) return false;
  let first = colon + 1;
  let last = end;
  while (first < last && isBlank(text.charCodeAt(first))) first += 1;
  while (last > first && isBlank(text.charCodeAt(last - 1))) last -= 1;
  fields.push(text.slice(start, colon).toLowerCase(), text.slice(first, last));
  return true;
}

function isBlank(c: number): boolean {
  return c === SP || c === HTAB;
}
