import { formatHttpDate } from "#http/http-date.ts";
import { isTagField } from "./cache/tags.ts";
import { fieldOf } from "./fields.ts";

/** RFC 9110 §7.6.1, and what older peers treat alike: meant for one connection only. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What the edge says itself, of each response anew. */
const OURS: ReadonlySet<string> = new Set([
  "accept-ranges",
  "age",
  "content-length",
  "x-cache",
  "x-request-id",
]);

/**
 * The fields of an origin's response that may go further, names in lower case: not those that are
 * hop-by-hop, nor those that Connection names.
 */
export function endToEndFields(raw: readonly string[]): string[] {
  const named = connectionOptions(raw);
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const value = raw[i + 1] ?? "";
    if (HOP_BY_HOP.has(name) || named?.has(name) === true) continue;
    // RFC 9110 §5.5: CR, LF and NUL would let an origin write a second response.
    if (/[\r\n\0]/.test(value)) continue;
    fields.push(name, value);
  }
  return fields;
}

/** The lines that stay the same in each response made of this head. Tags are for caches up to here. */
export function headLines(head: {
  readonly status: number;
  readonly fields: readonly string[];
  readonly responseTime: number;
}): string {
  let lines = "";
  for (let i = 0; i < head.fields.length; i += 2) {
    const name = head.fields[i] ?? "";
    if (!OURS.has(name) && !isTagField(name)) lines += `${name}: ${head.fields[i + 1]}\r\n`;
  }
  // RFC 9110 §6.6.1: a recipient with a clock adds the Date that is missing.
  if (fieldOf(head.fields, "date") === undefined) {
    lines += `date: ${formatHttpDate(head.responseTime)}\r\n`;
  }
  return lines;
}

/** RFC 9110 §15.4.5: what a 304 repeats of the 200 that it stands for. */
const IN_NOT_MODIFIED =
  /^(?:cache-control|cdn-cache-control|content-location|date|etag|expires|last-modified|vary|access-control-[a-z-]+|set-cookie): .*\r\n/gim;

/** The part of a 200's prepared lines that its 304 has too. */
export function notModifiedLines(lines: string): string {
  return lines.match(IN_NOT_MODIFIED)?.join("") ?? "";
}

/** Undefined: no field names any. */
function connectionOptions(raw: readonly string[]): ReadonlySet<string> | undefined {
  let options: Set<string> | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== "connection") continue;
    options ??= new Set();
    for (const option of (raw[i + 1] ?? "").split(",")) options.add(option.trim().toLowerCase());
  }
  return options;
}
