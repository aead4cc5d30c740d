import { ENTRY_OVERHEAD_BYTES } from "./entry.ts";
import { INTEGER_BYTES_MAX, writeInteger } from "./integer.ts";
import { stringBytesMax, writeLiteralName, writeShortestString } from "./literal.ts";
import { STATIC_INDEX_OF_NAME } from "./static-table.ts";

/**
 * A field list made ready for any connection's encoder: those that repeat across responses go
 * through its dynamic table, the others are finished literals.
 */
export interface PreparedFields {
  readonly repeating: readonly RepeatingField[];
  /** Literals that no table keeps (RFC 7541 §6.2.2, §6.2.3), one after the other. */
  readonly literals: Buffer;
  /** What encoding it writes at most. */
  readonly bytesMax: number;
}

/** A field that is worth an entry of the dynamic table. */
export interface RepeatingField {
  /** Name, NUL and value: a flat string whose hash is computed once. */
  readonly key: string;
  /** As a literal with incremental indexing (RFC 7541 §6.2.1). */
  readonly literal: Buffer;
  /** What its entry takes in the table (RFC 7541 §4.1). */
  readonly bytes: number;
}

/** Fields whose values are few: an origin's settings rather than a resource's own. */
const REPEATING_NAMES: ReadonlySet<string> = new Set([
  "accept-ranges",
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "access-control-max-age",
  "alt-svc",
  "cache-control",
  "cdn-cache-control",
  "content-encoding",
  "content-language",
  "content-security-policy",
  "content-type",
  "cross-origin-embedder-policy",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "permissions-policy",
  "referrer-policy",
  "server",
  "server-timing",
  "strict-transport-security",
  "timing-allow-origin",
  "vary",
  "via",
  "x-cache",
  "x-content-type-options",
  "x-frame-options",
  "x-xss-protection",
]);

/** An eighth of the usual table: a longer one evicts more than it saves. */
const ENTRY_BYTES_MAX = 512;

/** Repeating fields kept so that equal ones are one object: those of some hundred endpoints. */
const SHARED_FIELDS_MAX = 1_024;

/** RFC 7541 §6.2.1: the pattern of a literal with incremental indexing, and its prefix. */
const WITH_INDEXING = 0x40;
const NAME_PREFIX_MAX = 0x3f;

const sharedFields = new Map<string, RepeatingField>();

/**
 * Prepares names, in lower case, and values, alternating. Lines of one name keep their order, which
 * is all that RFC 9110 §5.3 asks for.
 */
export function prepareFields(fields: readonly string[]): PreparedFields {
  const unfit = unfitNames(fields);
  const repeating: RepeatingField[] = [];
  const others: string[] = [];
  let bytesMax = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    if (REPEATING_NAMES.has(name) && !unfit.includes(name)) {
      const field = repeatingField(name, value);
      repeating.push(field);
      bytesMax += repeatingBytesMax(field);
    } else {
      others.push(name, value);
    }
  }
  const literals = literalsOf(others);
  return { repeating, literals, bytesMax: bytesMax + literals.length };
}

/** The field as an entry of dynamic tables; equal ones are one object, as long as it is shared. */
export function repeatingField(name: string, value: string): RepeatingField {
  const key = `${name}\0${value}`;
  const shared = sharedFields.get(key);
  if (shared !== undefined) return shared;
  const field: RepeatingField = {
    // A string of its own: `key` holds on to the head that its parts were cut from.
    key: Buffer.from(key, "latin1").toString("latin1"),
    literal: literalWithIndexing(name, value),
    bytes: name.length + value.length + ENTRY_OVERHEAD_BYTES,
  };
  // They are quickly made again: that is simpler than to know which one is needed least.
  if (sharedFields.size === SHARED_FIELDS_MAX) sharedFields.clear();
  sharedFields.set(field.key, field);
  return field;
}

/** What an encoder writes at most for the field. */
function repeatingBytesMax(field: RepeatingField): number {
  // An index, or the literal, which takes one octet more where no table keeps it.
  return Math.max(INTEGER_BYTES_MAX, 1 + field.literal.length);
}

/** Names with a line that is too long for a table: their other lines must not overtake it. */
function unfitNames(fields: readonly string[]): readonly string[] {
  const names: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const bytes = name.length + (fields[i + 1] ?? "").length + ENTRY_OVERHEAD_BYTES;
    if (bytes > ENTRY_BYTES_MAX) names.push(name);
  }
  return names;
}

/** What any literal of the line takes at most. */
function lineBytesMax(name: string, value: string): number {
  return 1 + stringBytesMax(name) + stringBytesMax(value);
}

function literalWithIndexing(name: string, value: string): Buffer {
  const out = Buffer.allocUnsafe(lineBytesMax(name, value));
  const index = STATIC_INDEX_OF_NAME.get(name);
  const next = writeInteger(index ?? 0, WITH_INDEXING, NAME_PREFIX_MAX, out, 0);
  const valueAt = index === undefined ? writeShortestString(name, out, next) : next;
  return ownCopy(out, writeShortestString(value, out, valueAt));
}

function literalsOf(fields: readonly string[]): Buffer {
  let bytesMax = 0;
  for (let i = 0; i < fields.length; i += 2) {
    bytesMax += lineBytesMax(fields[i] ?? "", fields[i + 1] ?? "");
  }
  const out = Buffer.allocUnsafe(bytesMax);
  let at = 0;
  for (let i = 0; i < fields.length; i += 2) {
    at = writeLiteralName(fields[i] ?? "", out, at);
    at = writeShortestString(fields[i + 1] ?? "", out, at);
  }
  return ownCopy(out, at);
}

/** Memory of its own: what is stored for long must not hold on to a pool of buffers. */
function ownCopy(buffer: Buffer, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  copy.set(buffer.subarray(0, length));
  return copy;
}
