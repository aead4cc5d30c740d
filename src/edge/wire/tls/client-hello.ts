import { FIRST_OCTETS_MAX } from "../../limits.ts";

/** What a client says first, as far as it decides which certificate it is shown. */
export type ParsedClientHello =
  | { readonly kind: "incomplete" }
  /** Whatever this is, it is no TLS. */
  | { readonly kind: "malformed" }
  | {
      readonly kind: "hello";
      /** In lower case, without a trailing dot; undefined when the client names nobody. */
      readonly serverName: string | undefined;
      /** Whether it offers `acme-tls/1` and nothing else: a CA that validates a name (RFC 8737 §3). */
      readonly isValidation: boolean;
    };

const INCOMPLETE: ParsedClientHello = { kind: "incomplete" };
const MALFORMED: ParsedClientHello = { kind: "malformed" };

/** RFC 8446 §5.1: ContentType, legacy_record_version, length. */
const RECORD_HEAD_BYTES = 5;
const HANDSHAKE_RECORD = 22;
/** RFC 8446 §5.1: no record without content here, and none above 2^14. */
const RECORD_BYTES_MAX = 16_384;
/** RFC 8446 §4: HandshakeType, length. */
const MESSAGE_HEAD_BYTES = 4;
const CLIENT_HELLO = 1;
/** RFC 8446 §4.1.2: legacy_version and random. */
const BEFORE_SESSION_ID_BYTES = 2 + 32;
/** RFC 6066 §3. */
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME_TYPE = 0;
/** RFC 7301 §3.1. */
const ALPN_EXTENSION = 16;
/** RFC 8737 §3: a list with this one name in it. */
const ACME_TLS_ALONE = Buffer.from("\x00\x0b\x0aacme-tls/1", "latin1");

/**
 * Reads the ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) that a connection begins with. It never
 * throws, reads nothing beyond its input, and comes to the same result however that was split. All
 * of it is checked again by OpenSSL, which gets it next: here it only matters who is asked for.
 */
export function parseClientHello(input: Buffer): ParsedClientHello {
  const message = handshakeMessage(input);
  return Buffer.isBuffer(message) ? parseMessage(message) : message;
}

/** The body of the first handshake message, which may be spread over records (RFC 8446 §5.1). */
function handshakeMessage(input: Buffer): Buffer | ParsedClientHello {
  const parts: Buffer[] = [];
  let bytes = 0;
  let wanted = Infinity;
  for (let at = 0; bytes < wanted; ) {
    if (input.length > at && input[at] !== HANDSHAKE_RECORD) return MALFORMED;
    if (input.length > at + 1 && input[at + 1] !== 3) return MALFORMED;
    if (input.length < at + RECORD_HEAD_BYTES) return INCOMPLETE;
    const length = input.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_BYTES_MAX) return MALFORMED;
    const part = input.subarray(at + RECORD_HEAD_BYTES, at + RECORD_HEAD_BYTES + length);
    parts.push(part);
    bytes += part.length;
    at += RECORD_HEAD_BYTES + length;
    if (wanted === Infinity && bytes >= MESSAGE_HEAD_BYTES) {
      const head = Buffer.concat(parts, bytes);
      if (head[0] !== CLIENT_HELLO) return MALFORMED;
      wanted = MESSAGE_HEAD_BYTES + head.readUIntBE(1, 3);
      if (wanted > FIRST_OCTETS_MAX) return MALFORMED;
    }
    if (part.length < length && bytes < wanted) return INCOMPLETE;
  }
  const message = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, bytes);
  return message.subarray(MESSAGE_HEAD_BYTES, wanted);
}

function parseMessage(message: Buffer): ParsedClientHello {
  const sessionId = vector(message, BEFORE_SESSION_ID_BYTES, 1);
  const cipherSuites = sessionId && vector(message, sessionId.end, 2);
  const compression = cipherSuites && vector(message, cipherSuites.end, 1);
  if (compression === undefined) return MALFORMED;
  let serverName: string | undefined;
  let isValidation = false;
  // RFC 5246 §7.4.1.2: before TLS 1.3 a client may have no extensions at all.
  if (compression.end === message.length) return { kind: "hello", serverName, isValidation };
  const extensions = vector(message, compression.end, 2);
  if (extensions?.end !== message.length) return MALFORMED;
  for (let at = extensions.start; at < extensions.end; ) {
    const extension = vector(message, at + 2, 2, extensions.end);
    if (extension === undefined) return MALFORMED;
    const type = message.readUInt16BE(at);
    const content = message.subarray(extension.start, extension.end);
    if (type === SERVER_NAME_EXTENSION) {
      const name = hostNameOf(content);
      if (name === undefined) return MALFORMED;
      serverName ??= name;
    } else if (type === ALPN_EXTENSION) {
      isValidation = content.equals(ACME_TLS_ALONE);
    }
    at = extension.end;
  }
  return { kind: "hello", serverName, isValidation };
}

/** RFC 6066 §3: a list with one host name in it; no other type of name was ever defined. */
function hostNameOf(extension: Buffer): string | undefined {
  const list = vector(extension, 0, 2);
  if (list?.end !== extension.length || extension[list.start] !== HOST_NAME_TYPE) return undefined;
  const name = vector(extension, list.start + 1, 2);
  if (name?.end !== extension.length || name.start === name.end) return undefined;
  const text = extension.toString("latin1", name.start, name.end).toLowerCase();
  return text.endsWith(".") ? text.slice(0, -1) : text;
}

interface Vector {
  readonly start: number;
  readonly end: number;
}

/** RFC 8446 §3.4: a vector is its length, in `lengthBytes` octets, and its content. */
function vector(
  input: Buffer,
  at: number,
  lengthBytes: 1 | 2,
  limit = input.length,
): Vector | undefined {
  const start = at + lengthBytes;
  if (start > limit) return undefined;
  const end = start + input.readUIntBE(at, lengthBytes);
  return end > limit ? undefined : { start, end };
}
