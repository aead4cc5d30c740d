import { FIELD_LINES_MAX, TARGET_BYTES_MAX } from "../../limits.ts";
import type { RequestHead } from "../../request.ts";
import { isHost, sameAuthority } from "../authority.ts";
import { hasTargetOctetsOnly } from "../http1/request-line.ts";

/** What a request's field section says. */
export type ParsedRequest =
  | { readonly kind: "request"; readonly head: RequestHead }
  /** It is answered by a status, as it would be in HTTP/1.1. */
  | { readonly kind: "refused"; readonly status: 414 | 417 | 431 | 501; readonly reason: string }
  /** RFC 9113 §8.1.1: a stream error of type PROTOCOL_ERROR. */
  | { readonly kind: "malformed"; readonly reason: string };

/** RFC 9113 §8.3.1. */
interface PseudoFields {
  method: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  path: string | undefined;
}

/** The fields that matter to the wire itself. */
interface Framing {
  readonly host: string | undefined;
  readonly contentLength: string | undefined;
  readonly expect: string | undefined;
}

const COLON = 0x3a;
const SLASH = 0x2f;

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^`|~\w]+$/;

/** RFC 9113 §8.2.1: what a name is made of, a token in lower case. */
const NAME_OCTETS = new Uint8Array(256);
for (const c of Buffer.from("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) {
  NAME_OCTETS[c] = 1;
}

/** RFC 9110 §5.5: no control but HTAB, and no white space around it (RFC 9113 §8.2.1). */
const FIELD_VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

/** The head of a request from its fields: names and values alternating, pseudo-fields among them. */
export function parseRequest(fields: readonly string[], endStream: boolean): ParsedRequest {
  const pseudo: PseudoFields = {
    method: undefined,
    scheme: undefined,
    authority: undefined,
    path: undefined,
  };
  const start = takePseudoFields(fields, pseudo);
  if (typeof start === "string") return malformed(start);
  const regular = withJoinedCookie(fields, start);
  const fault = fieldsFault(regular);
  if (fault !== undefined) return malformed(fault);
  const framing = framingOf(regular);
  if (typeof framing === "string") return malformed(framing);
  if (regular.length > 2 * FIELD_LINES_MAX) {
    return { kind: "refused", status: 431, reason: "too many field lines" };
  }
  return assemble(pseudo, regular, framing, endStream);
}

/** What is wrong with trailers (RFC 9113 §8.1): they have no pseudo-fields. */
export function trailersFault(fields: readonly string[]): string | undefined {
  const framing = framingOf(fields);
  return fieldsFault(fields) ?? (typeof framing === "string" ? framing : undefined);
}

/** RFC 9113 §8.3: before all others, each once. Answers where the others begin, or the fault. */
function takePseudoFields(fields: readonly string[], pseudo: PseudoFields): number | string {
  let at = 0;
  for (; at < fields.length && fields[at]?.charCodeAt(0) === COLON; at += 2) {
    const value = fields[at + 1] ?? "";
    const name = pseudoName(fields[at] ?? "");
    if (name === undefined) return "an unknown pseudo-field";
    if (pseudo[name] !== undefined) return "a pseudo-field twice";
    if (!FIELD_VALUE.test(value)) return "a malformed pseudo-field";
    pseudo[name] = value;
  }
  return at;
}

function pseudoName(name: string): keyof PseudoFields | undefined {
  switch (name) {
    case ":method":
      return "method";
    case ":scheme":
      return "scheme";
    case ":authority":
      return "authority";
    case ":path":
      return "path";
    default:
      return undefined;
  }
}

/** RFC 9113 §8.2.3: a cookie may come in crumbs, which are one field to everybody else. */
function withJoinedCookie(fields: readonly string[], start: number): readonly string[] {
  const regular = start === 0 ? fields : fields.slice(start);
  const first = indexOfCookie(regular, 0);
  if (first < 0 || indexOfCookie(regular, first + 2) < 0) return regular;
  const crumbs: string[] = [];
  const others: string[] = [];
  for (let i = 0; i < regular.length; i += 2) {
    const name = regular[i] ?? "";
    const value = regular[i + 1] ?? "";
    if (name === "cookie") crumbs.push(value);
    else others.push(name, value);
  }
  others.splice(first, 0, "cookie", crumbs.join("; "));
  return others;
}

function indexOfCookie(fields: readonly string[], start: number): number {
  for (let i = start; i < fields.length; i += 2) if (fields[i] === "cookie") return i;
  return -1;
}

function fieldsFault(fields: readonly string[]): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    if (!isFieldName(name)) return "a malformed field name";
    if (!FIELD_VALUE.test(value)) return "a malformed field value";
    if (isConnectionSpecific(name, value)) return "a field of the connection's own";
  }
  return undefined;
}

/** A pseudo-field among the others is none: a colon is no token. */
function isFieldName(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    if (NAME_OCTETS[name.charCodeAt(i)] !== 1) return false;
  }
  return name.length > 0;
}

/** RFC 9113 §8.2.2. */
function isConnectionSpecific(name: string, value: string): boolean {
  switch (name) {
    case "connection":
    case "keep-alive":
    case "proxy-connection":
    case "transfer-encoding":
    case "upgrade":
      return true;
    case "te":
      return value.toLowerCase() !== "trailers";
    default:
      return false;
  }
}

/** What decides for whom a message is and where it ends; or what is wrong with that. */
function framingOf(fields: readonly string[]): Framing | string {
  let host: string | undefined;
  let contentLength: string | undefined;
  let expect: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1] ?? "";
    if (fields[i] === "host") {
      if (host !== undefined) return "two Host fields";
      host = value;
    } else if (fields[i] === "content-length") {
      if (contentLength !== undefined) return "two Content-Length fields";
      if (!/^\d{1,15}$/.test(value)) return "a malformed Content-Length field";
      contentLength = value;
    } else if (fields[i] === "expect") {
      expect = value.toLowerCase();
    }
  }
  return { host, contentLength, expect };
}

function assemble(
  pseudo: PseudoFields,
  fields: readonly string[],
  { host, contentLength, expect }: Framing,
  endStream: boolean,
): ParsedRequest {
  const { method, scheme, authority, path } = pseudo;
  if (method === undefined || !TOKEN.test(method)) return malformed("no method");
  const named = authority ?? host;
  if (named === undefined || !isHost(named)) return malformed("no host, or a malformed one");
  // RFC 9113 §8.3.1: what is named twice is the same, or someone is to be misled.
  if (host !== undefined && !sameAuthority(named, host)) {
    return malformed("a Host that disagrees with :authority");
  }
  if (method === "CONNECT") {
    // RFC 9113 §8.5.
    if (scheme !== undefined || path !== undefined) return malformed("CONNECT with a target");
    return { kind: "refused", status: 501, reason: "CONNECT is not offered" };
  }
  if (scheme !== "http" && scheme !== "https") return malformed("no scheme, or one not served");
  if (path === undefined || !isTarget(path, method))
    return malformed("no path, or a malformed one");
  if (path.length > TARGET_BYTES_MAX) {
    return { kind: "refused", status: 414, reason: "the target is too long" };
  }
  if (expect !== undefined && expect !== "100-continue") {
    // RFC 9110 §10.1.1.
    return { kind: "refused", status: 417, reason: "an unknown expectation" };
  }
  const length = contentLength === undefined ? "unknown" : Number(contentLength);
  // RFC 9113 §8.1.1: the sum of no DATA is 0.
  if (endStream && length !== "unknown" && length > 0) return malformed("content that is not sent");
  return {
    kind: "request",
    head: {
      version: "HTTP/2.0",
      method,
      target: path,
      host: named,
      fields,
      contentLength: endStream ? 0 : length,
    },
  };
}

/** RFC 9113 §8.3.1: a path, or `*` of an OPTIONS. */
function isTarget(path: string, method: string): boolean {
  if (path.charCodeAt(0) !== SLASH && !(path === "*" && method === "OPTIONS")) return false;
  return hasTargetOctetsOnly(path);
}

function malformed(reason: string): ParsedRequest {
  return { kind: "malformed", reason };
}
