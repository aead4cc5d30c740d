import { TAG_LENGTH_MAX } from "./limits.ts";

/**
 * What a purge names, in one canonical form that a request target can be compared with: escapes of
 * unreserved characters decoded, all that may not stand raw in a path escaped, hex in upper case.
 * In that form `*` is only ever a wildcard: a literal one, in a target or escaped, is `%2A`.
 * A path begins with `/`. What begins with `tag:` is a tag, in which `*` is a character like others.
 */

/** Purges everything of an endpoint. */
export const EVERYTHING = "/*";

/** Keys are 1,024 octets at most; three times that when escaped, and room for a query. */
const PATTERN_LENGTH_MAX = 4_096;

/** A pattern in canonical form, or why the text is none, to stand after its name. */
export type ParsedPurgePattern =
  | { readonly kind: "pattern"; readonly pattern: string }
  | { readonly kind: "invalid"; readonly reason: string };

/**
 * Reads one member of `files`: a key with or without its leading slash, a full URL on one of the
 * endpoint's own hosts, or `tag:` and a tag. A key that begins so is written with its slash.
 */
export function parsePurgePattern(text: string, ownHosts: readonly string[]): ParsedPurgePattern {
  if (text === "") return invalid("is empty");
  const tag = tagOf(text);
  if (tag !== undefined) return isTag(tag) ? { kind: "pattern", pattern: text } : invalid(NO_TAG);
  if (text.length > PATTERN_LENGTH_MAX) {
    return invalid(`is longer than ${PATTERN_LENGTH_MAX} characters`);
  }
  if (!text.isWellFormed()) return invalid("is not valid Unicode");
  const url = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(text);
  if (url === null) return pattern(text.startsWith("/") ? text : `/${text}`);
  const [, authority = "", rest = ""] = url;
  const host = authority.replace(/:\d*$/, "").replace(/\.$/, "").toLowerCase();
  if (!ownHosts.some((own) => own.toLowerCase() === host)) {
    return invalid("is a URL of another host");
  }
  return pattern(rest.startsWith("/") ? rest : `/${rest}`);
}

const TAG_PREFIX = "tag:";

const NO_TAG =
  `is no tag: expected 1 to ${TAG_LENGTH_MAX} visible ASCII characters without comma after tag: ` +
  "(a path that begins so is written with a slash before it)";

/** The tag that a pattern in canonical form names; undefined: it names paths. */
export function tagOf(canonicalPattern: string): string | undefined {
  return canonicalPattern.startsWith(TAG_PREFIX)
    ? canonicalPattern.slice(TAG_PREFIX.length)
    : undefined;
}

/** Commas and spaces part the tags of a response from one another. */
function isTag(text: string): boolean {
  return text.length <= TAG_LENGTH_MAX && /^[\x21-\x2b\x2d-\x7e]+$/.test(text);
}

/** A request target as it came off the wire (one character per octet), in canonical form. */
export function canonicalTarget(rawTarget: string): string {
  const plain = isCanonical(rawTarget);
  return plain ? rawTarget : canonical(Buffer.from(rawTarget, "latin1"), "%2A");
}

/** Whether a path's pattern needs a scan, and cannot be looked up. */
export function hasWildcard(canonicalPattern: string): boolean {
  return canonicalPattern.includes("*");
}

/** The path of a canonical target or pattern, without its query. */
export function pathOf(canonicalText: string): string {
  const mark = canonicalText.indexOf("?");
  return mark < 0 ? canonicalText : canonicalText.slice(0, mark);
}

/** A pattern cut at its wildcards once, to be compared with many targets. */
export interface PurgeMatcher {
  readonly path: readonly string[];
  /** Absent: any query or none. Nothing at all: an empty one, or none. */
  readonly query?: readonly string[];
}

/** Prepares a pattern in canonical form. */
export function compilePurgePattern(canonicalPattern: string): PurgeMatcher {
  const path = pathOf(canonicalPattern);
  const matcher = { path: path.split("*") };
  if (path === canonicalPattern) return matcher;
  return { ...matcher, query: canonicalPattern.slice(path.length + 1).split("*") };
}

/** Whether a purge drops what is stored for this target. Path and query are compared apart. */
export function matches(matcher: PurgeMatcher, target: string): boolean {
  const path = pathOf(target);
  if (!globMatches(matcher.path, path)) return false;
  if (matcher.query === undefined) return true;
  if (path === target) return matcher.query.length === 1 && matcher.query[0] === "";
  return globMatches(matcher.query, target.slice(path.length + 1));
}

/**
 * The literal pieces between wildcards, found from left to right: the first place that fits a piece
 * leaves the most room for the next, so that nothing is ever tried twice.
 */
function globMatches(pieces: readonly string[], text: string): boolean {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (pieces.length === 1) return text === first;
  if (text.length < first.length + last.length) return false;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function pattern(text: string): ParsedPurgePattern {
  const canonicalPattern = canonical(Buffer.from(text, "utf8"), "*").replace(/\*+/g, "*");
  return { kind: "pattern", pattern: canonicalPattern };
}

function invalid(reason: string): ParsedPurgePattern {
  return { kind: "invalid", reason };
}

/** Nothing to decode, nothing to escape: the case of nearly every target. */
function isCanonical(target: string): boolean {
  return /^[\w\-.~!$&'()+,;=:@/]*(?:\?[\w\-.~!$&'()+,;=:@/?]*)?$/.test(target);
}

const UNRESERVED = octets("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");
/** RFC 3986 §3.3 and §3.4: what may stand raw beside the unreserved; `*` is decided by the caller. */
const RESERVED_RAW = octets("!$&'()+,;=:@/?");
const PERCENT = 0x25;
const STAR = 0x2a;

function canonical(text: Uint8Array, rawStar: "*" | "%2A"): string {
  let out = "";
  for (let i = 0; i < text.length; i += 1) {
    const raw = text[i] ?? 0;
    const escaped = raw === PERCENT ? escapedOctet(text, i) : undefined;
    if (escaped !== undefined) {
      out += UNRESERVED.has(escaped) ? String.fromCharCode(escaped) : escapeOctet(escaped);
      i += 2;
    } else if (raw === STAR) {
      out += rawStar;
    } else if (UNRESERVED.has(raw) || RESERVED_RAW.has(raw)) {
      out += String.fromCharCode(raw);
    } else {
      out += escapeOctet(raw);
    }
  }
  return out;
}

/** The octet that `%XX` at `at` stands for; a percent sign without two hex digits is itself. */
function escapedOctet(text: Uint8Array, at: number): number | undefined {
  const high = hexDigit(text[at + 1]);
  const low = hexDigit(text[at + 2]);
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function hexDigit(octet = 0): number | undefined {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : undefined;
}

function escapeOctet(octet: number): string {
  return `%${octet.toString(16).toUpperCase().padStart(2, "0")}`;
}

function octets(text: string): ReadonlySet<number> {
  return new Set(Buffer.from(text, "latin1"));
}
