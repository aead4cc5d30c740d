import { hash } from "node:crypto";
import { fieldOf } from "../fields.ts";
import { VARIANT_KEY_CHARS_MAX, VARY_NAMES_MAX } from "./limits.ts";
import { normalPreferences } from "./preferences.ts";

/** Names of the fields that a response was selected by, and their values, alternating. */
export type Selecting = readonly string[];

/** Neither a field's value nor its name has a NUL in it. */
const ABSENT = "\0";
const NEVER: Selecting = ["*", "\0*"];

/**
 * RFC 9110 §12.5.5: the fields that Vary names, in lower case and in order, or `*` if nothing that is
 * known selects. That is also so where a member is no name, and where there are too many.
 */
export function varyNames(fields: readonly string[]): readonly string[] | "*" {
  return namesOf(fieldOf(fields, "vary"));
}

/** What of this request a response with this Vary was selected by. */
export function selectingFields(vary: string | undefined, request: readonly string[]): Selecting {
  const names = namesOf(vary);
  return names === "*" ? NEVER : names.flatMap((name) => [name, normalValue(request, name)]);
}

/** RFC 9111 §4.1: whether this request would have selected the same response. */
export function selects(selecting: Selecting, request: readonly string[]): boolean {
  for (let i = 0; i < selecting.length; i += 2) {
    if (normalValue(request, selecting[i] ?? "") !== selecting[i + 1]) return false;
  }
  return true;
}

/**
 * What tells variants of one primary key apart, beside it: the same for all requests that select the
 * same by these fields, and for no others. It is bounded, and empty where there are no names.
 */
export function variantKey(names: readonly string[], request: readonly string[]): string {
  const members = names.map((name) => {
    const value = normalValue(request, name);
    return value === ABSENT ? name : `${name}=${value}`;
  });
  const key = members.join("\n");
  return key.length > VARIANT_KEY_CHARS_MAX ? `=${hash("sha256", key, "base64url")}` : key;
}

function namesOf(vary: string | undefined): readonly string[] | "*" {
  if (vary === undefined) return [];
  const names = new Set<string>();
  for (const member of vary.toLowerCase().split(",")) {
    const name = member.trim();
    if (name === "") continue;
    if (name === "*" || !/^[!#$%&'*+\-.^`|~\w]+$/.test(name)) return "*";
    names.add(name);
  }
  return names.size > VARY_NAMES_MAX ? "*" : [...names].toSorted();
}

/** Their commas are not those of a list, and white space beside them may say something. */
const NOT_LISTS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "referer",
  "user-agent",
]);

/**
 * RFC 9111 §4.1: lines joined, white space around the commas of a list gone, preferences in one order.
 * A field that is absent is not one that is empty.
 */
function normalValue(request: readonly string[], name: string): string {
  const value = fieldOf(request, name);
  if (value === undefined) return ABSENT;
  if (NOT_LISTS.has(name)) return value;
  const preferences = normalPreferences(name, value);
  if (preferences !== undefined) return preferences;
  // A string may lack its end, and blanks count from their first: so no octet is looked at twice.
  return value.replace(/"(?:[^"\\]|\\.)*"?|(?<![\t ])[\t ]*(?:,[\t ]*)+/g, (text) =>
    text.startsWith('"') ? text : text.replace(/[\t ]+/g, ""),
  );
}
