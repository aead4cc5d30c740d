import { FIELD_LINES_MAX, HEAD_BYTES_MAX } from "../../limits.ts";
import type { RequestHead } from "../../request.ts";
import { isHost, sameAuthority } from "../authority.ts";
import { parseFieldLine } from "./field-line.ts";
import { type ConnectionOption, connectionOption, framingFault, persists } from "./framing.ts";
import { endOfLine, FORBIDDEN } from "./line.ts";
import { type Refusal, refused } from "./refusal.ts";
import { parseRequestLine, type RequestLine } from "./request-line.ts";

/** The head of an HTTP/1.x request (RFC 9112 §2.1), and what it says about its connection. */
export interface Http1RequestHead extends RequestHead {
  /** Whether the client lets the connection persist (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** Whether the client waits for "100 (Continue)" before it sends content (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
  /** The field lines that this head was made of: given to the next parse of the connection. */
  readonly block: FieldBlock;
}

/**
 * Everything after the request line, and what it came to. A client says the same of itself in nearly
 * every request of a connection, as HPACK knows: an equal block is not read twice.
 */
export interface FieldBlock {
  /** With the empty line that ends it. */
  readonly text: string;
  readonly fields: readonly string[];
  readonly host: string;
  readonly contentLength: number | "unknown";
  readonly chunked: boolean;
  readonly expectsContinue: boolean;
  readonly connection: ConnectionOption;
}

/** A whole head, the fault in it, or neither yet. */
export type ParsedHead =
  | { readonly kind: "incomplete" }
  /** The head ends, and what follows it begins, at `end`. */
  | { readonly kind: "request"; readonly head: Http1RequestHead; readonly end: number }
  | Refusal;

const CR = 0x0d;
const LF = 0x0a;

const END_OF_HEAD = Buffer.from("\r\n\r\n");
const INCOMPLETE: ParsedHead = { kind: "incomplete" };

/**
 * Parses the head that begins at `start`. It reads from left to right and stops at the first fault,
 * so that the result does not depend on how the octets were split. It never throws. `known` is the
 * field block of an earlier head; it changes what the parse costs and nothing else.
 */
export function parseRequestHead(input: Buffer, start: number, known?: FieldBlock): ParsedHead {
  const blank = input.indexOf(END_OF_HEAD, start);
  const stop = Math.min(
    blank < 0 ? input.length : blank + END_OF_HEAD.length,
    start + HEAD_BYTES_MAX,
  );
  const text = input.toString("latin1", start, stop);
  // RFC 9112 §2.2: an empty line before the request-line is ignored; one is enough.
  const lineStart = text.startsWith("\r\n") ? 2 : 0;
  if (known !== undefined && blank >= 0) {
    const lineEnd = text.length - known.text.length - 2;
    if (lineEnd > lineStart && text.slice(lineEnd + 2) === known.text && endsAt(text, lineEnd)) {
      const line = parseRequestLine(text.slice(lineStart, lineEnd));
      // It may be more than one line, of which the others are fields that the block did not have.
      if (line.kind !== "refused") return assemble(line, known, stop);
    }
  }
  const lineEnd = endOfLine(text, lineStart);
  if (lineEnd < 0) return unfinished(lineEnd, text, 414, "the request line is too long");
  const line = parseRequestLine(text.slice(lineStart, lineEnd));
  if (line.kind === "refused") return line;
  const fields: string[] = [];
  let at = lineEnd + 2;
  for (;;) {
    const end = endOfLine(text, at);
    if (end < 0) return unfinished(end, text, 431, "the head is too long");
    if (end === at) break;
    if (fields.length === 2 * FIELD_LINES_MAX) return refused(431, "too many field lines");
    // RFC 9112 §5.1 (space before the colon) and §5.2 (obs-fold) end here too.
    if (!parseFieldLine(text, at, end, fields)) return refused(400, "a malformed field line");
    at = end + 2;
  }
  const block = blockOf(fields, text.slice(lineEnd + 2, at + 2));
  return block.kind === "refused" ? block : assemble(line, block.block, start + at + 2);
}

function endsAt(text: string, lineEnd: number): boolean {
  return text.charCodeAt(lineEnd) === CR && text.charCodeAt(lineEnd + 1) === LF;
}

function unfinished(result: number, text: string, tooLong: 414 | 431, reason: string): ParsedHead {
  if (result === FORBIDDEN) return refused(400, "a bare CR or LF or a control character");
  return text.length < HEAD_BYTES_MAX ? INCOMPLETE : refused(tooLong, reason);
}

/** What is known once the request line is: whom the request is for, and where it ends. */
function assemble(line: RequestLine, block: FieldBlock, end: number): ParsedHead {
  const { method, target, authority, minorVersion } = line;
  // RFC 9112 §3.2.2: an absolute target replaces Host; two that differ are a way to be misread.
  if (authority !== undefined && !sameAuthority(authority, block.host)) {
    return refused(400, "a target that disagrees with Host");
  }
  if (block.chunked && minorVersion === 0) return refused(400, "Transfer-Encoding in HTTP/1.0");
  const { fields, host, contentLength, connection, expectsContinue } = block;
  const head: Http1RequestHead = {
    version: minorVersion === 1 ? "HTTP/1.1" : "HTTP/1.0",
    method,
    target,
    host,
    fields,
    contentLength,
    keepAlive: persists(minorVersion, connection),
    // RFC 9110 §10.1.1: of an HTTP/1.0 client it is ignored.
    expectsContinue: expectsContinue && minorVersion === 1 && contentLength !== 0,
    block,
  };
  return { kind: "request", head, end };
}

type ParsedBlock = { readonly kind: "block"; readonly block: FieldBlock } | Refusal;

/** The fields that decide where the message ends, whom it is for, and whether another follows. */
function blockOf(fields: readonly string[], text: string): ParsedBlock {
  const single = new Map<string, string>();
  let connection = "";
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    switch (name) {
      case "host":
      case "content-length":
      case "transfer-encoding":
        // RFC 9112 §6.3 lets equal repetitions be rejected too; nobody honest sends them.
        if (single.has(name)) return refused(400, `two ${name} fields`);
        single.set(name, value);
        break;
      case "connection":
        connection += `,${value}`;
        break;
      case "upgrade":
        if (!isOffer(value)) return refused(501, "Upgrade is not offered");
        break;
      case "expect":
        // RFC 9110 §10.1.1.
        if (value.toLowerCase() !== "100-continue") return refused(417, "an unknown expectation");
        single.set(name, value);
        break;
    }
  }
  const host = single.get("host");
  if (host === undefined) return refused(400, "no Host field");
  if (!isHost(host)) return refused(400, "a malformed Host field");
  const length = single.get("content-length");
  const coding = single.get("transfer-encoding");
  const fault = framingFault(length, coding);
  if (fault !== undefined) return refused(400, fault);
  const block: FieldBlock = {
    text,
    fields,
    host,
    contentLength: coding === undefined ? Number(length ?? 0) : "unknown",
    chunked: coding !== undefined,
    expectsContinue: single.has("expect"),
    connection: connectionOption(connection),
  };
  return { kind: "block", block };
}

/**
 * RFC 9110 §7.8: an upgrade is an offer, which a server may ignore. Java's HttpClient and curl --http2
 * offer h2c with requests in the clear, and go on in HTTP/1.1. Whoever wants another protocol, as
 * WebSocket, cannot.
 */
function isOffer(upgrade: string): boolean {
  return /^(?:h2c|tls\/[\d.]+)(?:[\t ]*,[\t ]*(?:h2c|tls\/[\d.]+))*$/i.test(upgrade);
}
