import type { BodyLength } from "../cache/storage-decision.ts";
import { ORIGIN_FIELD_LINES_MAX } from "../limits.ts";
import { parseFieldLine } from "../wire/http1/field-line.ts";
import { connectionOption, framingFault, persists } from "../wire/http1/framing.ts";
import { endOfLine, FORBIDDEN } from "../wire/http1/line.ts";

/** The head of an HTTP/1.x response (RFC 9112 §2.1), interim or final, as it came. */
export interface ReceivedHead {
  readonly status: number;
  /** Names in lower case and values, alternating. */
  readonly fields: readonly string[];
  /** As the fields tell it: some responses have a length and no body. */
  readonly length: BodyLength;
  /** Whether the origin lets the connection persist (RFC 9112 §9.3). */
  readonly persists: boolean;
  /** The field that says for how long, if there is one. */
  readonly keepAlive: string | undefined;
}

/** A whole head, the fault in it, or neither yet. */
export type ParsedAnswer =
  | { readonly kind: "incomplete" }
  /** The head ends, and what follows it begins, at `end`. */
  | { readonly kind: "head"; readonly head: ReceivedHead; readonly end: number }
  | { readonly kind: "malformed"; readonly reason: string };

interface StatusLine {
  readonly status: number;
  readonly minorVersion: 0 | 1;
}

const END_OF_HEAD = Buffer.from("\r\n\r\n");
const INCOMPLETE: ParsedAnswer = { kind: "incomplete" };
const PROTOCOL = "HTTP/1.";

/**
 * Parses the head that begins at `start`. It reads from left to right and stops at the first fault,
 * so that the result does not depend on how the octets were split. It never throws.
 */
export function parseReceivedHead(
  input: Buffer,
  start: number,
  headBytesMax: number,
): ParsedAnswer {
  const blank = input.indexOf(END_OF_HEAD, start);
  const whole = blank < 0 ? input.length : blank + END_OF_HEAD.length;
  const text = input.toString("latin1", start, Math.min(whole, start + headBytesMax));
  const lineEnd = endOfLine(text, 0);
  const protocol = text.slice(0, PROTOCOL.length);
  // What speaks another protocol may wait for an answer, and never end its line.
  if (!PROTOCOL.startsWith(protocol)) return malformed("another protocol than HTTP/1.1");
  if (lineEnd < 0) return unfinished(lineEnd, text, headBytesMax);
  const line = parseStatusLine(text.slice(0, lineEnd));
  if (line === undefined) return malformed("a malformed status line");
  const fields: string[] = [];
  let at = lineEnd + 2;
  for (;;) {
    const end = endOfLine(text, at);
    if (end < 0) return unfinished(end, text, headBytesMax);
    if (end === at) break;
    if (fields.length === 2 * ORIGIN_FIELD_LINES_MAX) return malformed("too many field lines");
    // RFC 9112 §5.1 (space before the colon) and §5.2 (obs-fold) end here too.
    if (!parseFieldLine(text, at, end, fields)) return malformed("a malformed field line");
    at = end + 2;
  }
  return withFraming(line, fields, start + at + 2);
}

/** RFC 9112 §4. The space behind the status is left out by some who have no reason to give. */
function parseStatusLine(line: string): StatusLine | undefined {
  if (!/^HTTP\/1\.\d \d{3}(?: |$)/.test(line)) return undefined;
  return { status: Number(line.slice(9, 12)), minorVersion: line[7] === "0" ? 0 : 1 };
}

/** What the fields say of the body's end (RFC 9112 §6.3) and of the connection's. */
function withFraming(
  { status, minorVersion }: StatusLine,
  fields: readonly string[],
  end: number,
): ParsedAnswer {
  let length: string | undefined;
  let coding: string | undefined;
  let connection: string | undefined;
  let keepAlive: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    switch (name) {
      case "content-length":
        // §6.3 lets equal repetitions be rejected too.
        if (length !== undefined) return malformed("two Content-Length fields");
        length = value;
        break;
      case "transfer-encoding":
        coding = coding === undefined ? value : `${coding}, ${value}`;
        break;
      case "connection":
        connection = connection === undefined ? value : `${connection},${value}`;
        break;
      case "keep-alive":
        keepAlive = value;
        break;
    }
  }
  // §6.1, §7: other codings are neither asked for (§7.4) nor undone here.
  const fault = framingFault(length, coding);
  if (fault !== undefined) return malformed(fault);
  // §6.1: such framing is faulty.
  if (coding !== undefined && minorVersion === 0) return malformed("a coding in HTTP/1.0");
  const option = connection === undefined ? undefined : connectionOption(connection);
  const head: ReceivedHead = {
    status,
    fields,
    length: lengthOf(length, coding),
    persists: persists(minorVersion, option),
    keepAlive,
  };
  return { kind: "head", head, end };
}

function lengthOf(length: string | undefined, coding: string | undefined): BodyLength {
  if (coding !== undefined) return "chunked";
  return length === undefined ? "close-delimited" : Number(length);
}

function unfinished(result: number, text: string, headBytesMax: number): ParsedAnswer {
  if (result === FORBIDDEN) return malformed("a bare CR or LF or a control character");
  return text.length < headBytesMax ? INCOMPLETE : malformed("a head that is too long");
}

function malformed(reason: string): ParsedAnswer {
  return { kind: "malformed", reason };
}
