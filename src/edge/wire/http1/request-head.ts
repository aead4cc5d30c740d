import { FIELD_LINES_MAX, HEAD_BYTES_MAX } from "../limits.ts";
import { type Refusal, refused } from "./refusal.ts";
import { parseRequestLine, type RequestLine } from "./request-line.ts";

/** The head of a request (RFC 9112 §2.1). */
export interface RequestHead {
  readonly method: string;
  /** Origin-form, raw: path and query as they came, one character per octet. */
  readonly target: string;
  /** The Host field, which an absolute-form target agrees with. */
  readonly host: string;
  readonly minorVersion: 0 | 1;
  /** Names in lower case and values without surrounding white space, alternating, in order. */
  readonly fields: readonly string[];
  /** Whether the client lets the connection persist (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** Whether content follows the head (RFC 9112 §6.3). */
  readonly hasContent: boolean;
}

/** A whole head, the fault in it, or neither yet. */
export type ParsedHead =
  | { readonly kind: "incomplete" }
  /** The head ends, and what follows it begins, at `end`. */
  | { readonly kind: "request"; readonly head: RequestHead; readonly end: number }
  | Refusal;

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HTAB = 0x09;
const DEL = 0x7f;
const COLON = 0x3a;

const END_OF_HEAD = Buffer.from("\r\n\r\n");
const INCOMPLETE: ParsedHead = { kind: "incomplete" };

/** Results of `endOfLine` that are not a position. */
const UNFINISHED = -1;
const FORBIDDEN = -2;

/**
 * Parses the head that begins at `start`. It reads from left to right and stops at the first fault,
 * so that the result does not depend on how the octets were split. It never throws.
 */
export function parseRequestHead(input: Buffer, start: number): ParsedHead {
  const blank = input.indexOf(END_OF_HEAD, start);
  const stop = Math.min(
    blank < 0 ? input.length : blank + END_OF_HEAD.length,
    start + HEAD_BYTES_MAX,
  );
  const text = input.toString("latin1", start, stop);
  // RFC 9112 §2.2: an empty line before the request-line is ignored; one is enough.
  const lineStart = text.startsWith("\r\n") ? 2 : 0;
  const lineEnd = endOfLine(text, lineStart);
  if (lineEnd < 0) return unfinished(lineEnd, text, 414, "the request line is too long");
  const requestLine = parseRequestLine(text.slice(lineStart, lineEnd));
  if (requestLine.kind === "refused") return requestLine;

  const fields: string[] = [];
  let at = lineEnd + 2;
  for (;;) {
    const end = endOfLine(text, at);
    if (end < 0) return unfinished(end, text, 431, "the head is too long");
    if (end === at) return assemble(requestLine, fields, start + end + 2);
    if (fields.length === 2 * FIELD_LINES_MAX) return refused(431, "too many field lines");
    const fault = pushField(fields, text, at, end);
    if (fault !== undefined) return refused(400, fault);
    at = end + 2;
  }
}

/** The value of a field, its lines joined as RFC 9110 §5.3 says, or `undefined`. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== name) continue;
    const line = fields[i + 1] ?? "";
    value = value === undefined ? line : `${value}, ${line}`;
  }
  return value;
}

/** Where the CRLF of the line from `at` stands. RFC 9110 §5.5: other controls have no place in it. */
function endOfLine(text: string, at: number): number {
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

function unfinished(result: number, text: string, tooLong: 414 | 431, reason: string): ParsedHead {
  if (result === FORBIDDEN) return refused(400, "a bare CR or LF or a control character");
  return text.length < HEAD_BYTES_MAX ? INCOMPLETE : refused(tooLong, reason);
}

/** RFC 9112 §5: field-line = field-name ":" OWS field-value OWS. Answers the fault, if any. */
function pushField(fields: string[], text: string, start: number, end: number): string | undefined {
  let colon = start;
  while (colon < end && isTokenOctet(text.charCodeAt(colon))) colon += 1;
  if (colon === start || colon === end || text.charCodeAt(colon) !== COLON) {
    // RFC 9112 §5.1 (space before the colon) and §5.2 (obs-fold) end here too.
    return "a malformed field line";
  }
  let first = colon + 1;
  let last = end;
  while (first < last && isBlank(text.charCodeAt(first))) first += 1;
  while (last > first && isBlank(text.charCodeAt(last - 1))) last -= 1;
  fields.push(text.slice(start, colon).toLowerCase(), text.slice(first, last));
  return undefined;
}

function isBlank(c: number): boolean {
  return c === SP || c === HTAB;
}

const TOKEN_OCTETS = new Uint8Array(256);
for (const c of Buffer.from(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)) {
  TOKEN_OCTETS[c] = 1;
}

function isTokenOctet(c: number): boolean {
  return TOKEN_OCTETS[c] === 1;
}

/** The fields that decide where the message ends, whom it is for, and whether another follows. */
function assemble(line: RequestLine, fields: readonly string[], end: number): ParsedHead {
  let host: string | undefined;
  let contentLength: string | undefined;
  let transferEncoding: string | undefined;
  let connection: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1] ?? "";
    switch (fields[i] ?? "") {
      case "host":
        if (host !== undefined) return refused(400, "two Host fields");
        host = value;
        break;
      case "content-length":
        // RFC 9112 §6.3 lets equal repetitions be rejected too; nobody honest sends them.
        if (contentLength !== undefined) return refused(400, "two Content-Length fields");
        contentLength = value;
        break;
      case "transfer-encoding":
        if (transferEncoding !== undefined) return refused(400, "two Transfer-Encoding fields");
        transferEncoding = value;
        break;
      case "connection":
        connection = connection === undefined ? value : `${connection},${value}`;
        break;
      case "upgrade":
        return refused(501, "Upgrade is not offered");
    }
  }
  const fault =
    hostFault(line, host) ?? contentFault(line.minorVersion, contentLength, transferEncoding);
  if (fault !== undefined) return refused(400, fault);
  const head: RequestHead = {
    method: line.method,
    target: line.target,
    host: host ?? "",
    minorVersion: line.minorVersion,
    fields,
    keepAlive: persists(line.minorVersion, connection),
    hasContent:
      transferEncoding !== undefined || (contentLength !== undefined && Number(contentLength) > 0),
  };
  return { kind: "request", head, end };
}

/** RFC 9112 §3.2: exactly one valid Host; and an absolute target has to agree with it. */
function hostFault(line: RequestLine, host: string | undefined): string | undefined {
  if (host === undefined) return "no Host field";
  if (!/^(?:\[[\da-f:.]+\]|[\w\-.~!$&'()*+,;=%]+)(?::\d{0,5})?$/i.test(host)) {
    return "a malformed Host field";
  }
  if (line.authority === undefined) return undefined;
  return withoutDefaultPort(line.authority) === withoutDefaultPort(host)
    ? undefined
    : "a target that disagrees with Host";
}

function withoutDefaultPort(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80|443)?$/, "");
}

/** RFC 9112 §6.1, §6.3: whatever two recipients could read as two different ends is refused. */
function contentFault(
  minorVersion: 0 | 1,
  contentLength: string | undefined,
  transferEncoding: string | undefined,
): string | undefined {
  if (contentLength !== undefined && !/^\d{1,15}$/.test(contentLength)) {
    return "a malformed Content-Length field";
  }
  if (transferEncoding === undefined) return undefined;
  if (contentLength !== undefined) return "Content-Length together with Transfer-Encoding";
  if (minorVersion === 0) return "Transfer-Encoding in HTTP/1.0";
  return transferEncoding.toLowerCase() === "chunked" ? undefined : "an unknown Transfer-Encoding";
}

/** RFC 9112 §9.3. */
function persists(minorVersion: 0 | 1, connection: string | undefined): boolean {
  if (connection === undefined) return minorVersion === 1;
  const options = new Set(
    connection
      .toLowerCase()
      .split(",")
      .map((option) => option.trim()),
  );
  if (options.has("close")) return false;
  return minorVersion === 1 || options.has("keep-alive");
}
