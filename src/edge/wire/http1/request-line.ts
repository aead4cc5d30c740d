import { TARGET_BYTES_MAX } from "../../limits.ts";
import { type Refusal, refused } from "./refusal.ts";

/** RFC 9112 §3, with an absolute target taken apart. */
export interface RequestLine {
  readonly kind: "request-line";
  readonly method: string;
  /** Origin-form, or `*` of an OPTIONS. */
  readonly target: string;
  /** Of an absolute-form target. */
  readonly authority?: string;
  readonly minorVersion: 0 | 1;
}

const HASH = 0x23;
const SP = 0x20;
const SLASH = 0x2f;
const TILDE = 0x7e;

/** Parses a line without its CRLF. A control character in it is a fault whatever came before. */
export function parseRequestLine(line: string): RequestLine | Refusal {
  const methodEnd = line.indexOf(" ");
  const targetEnd = line.lastIndexOf(" ");
  if (methodEnd <= 0 || targetEnd === methodEnd) return refused(400, "a malformed request line");
  const method = line.slice(0, methodEnd);
  if (method !== "GET" && !/^[!#$%&'*+\-.^`|~\w]+$/.test(method)) {
    return refused(400, "a malformed method");
  }
  if (targetEnd - methodEnd - 1 > TARGET_BYTES_MAX) return refused(414, "the target is too long");
  const version = line.slice(targetEnd + 1);
  if (version !== "HTTP/1.1" && !/^HTTP\/\d\.\d$/.test(version)) {
    return refused(400, "a malformed version");
  }
  if (version[5] !== "1") return refused(505, "only HTTP/1.x is spoken here");
  // RFC 9110 §2.5: a higher minor version is understood as the highest that is known.
  const minorVersion = version[7] === "0" ? 0 : 1;
  if (method === "CONNECT") return refused(501, "CONNECT is not offered");
  return withTarget(method, line.slice(methodEnd + 1, targetEnd), minorVersion);
}

function withTarget(method: string, raw: string, minorVersion: 0 | 1): RequestLine | Refusal {
  if (!hasTargetOctetsOnly(raw))
    return refused(400, "a character in the target that has to be escaped");
  if (raw.charCodeAt(0) === SLASH || (raw === "*" && method === "OPTIONS")) {
    return { kind: "request-line", method, target: raw, minorVersion };
  }
  const absolute = /^https?:\/\/([^/?@]+)(.*)$/is.exec(raw);
  if (absolute === null) return refused(400, "a malformed target");
  const [, authority = "", rest = ""] = absolute;
  // RFC 9110 §4.2.3: an empty path is the same as "/".
  const target = rest.startsWith("/") ? rest : `/${rest}`;
  return { kind: "request-line", method, target, authority, minorVersion };
}

/**
 * RFC 9112 §3.2: no white space. RFC 3986 §2: what is not ASCII is escaped. A fragment is never sent,
 * so one here was smuggled or is a bug.
 */
export function hasTargetOctetsOnly(target: string): boolean {
  for (let i = 0; i < target.length; i += 1) {
    const c = target.charCodeAt(i);
    if (c <= SP || c > TILDE || c === HASH) return false;
  }
  return true;
}
