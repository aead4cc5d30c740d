import { TAG_LENGTH_MAX } from "#cdn/limits.ts";
import { CACHE_TAGS_MAX } from "../limits.ts";
import { ownedText } from "./owned.ts";

const NO_TAGS: readonly string[] = [];

/** Stands for every tag there may be: a purge of any tag is a purge of what has it. */
export const EVERY_TAG = "*";

/** The tags of what has too many of them, or has not been told them yet. */
export const ANY_TAGS: readonly string[] = [EVERY_TAG];

/** Whether a field, its name in lower case, says tags. It is meant for caches, and ends here. */
export function isTagField(name: string): boolean {
  return name === "cache-tag" || name === "surrogate-key";
}

/**
 * The tags of a response, each once, in the form that purges are compared in. One that has more than
 * are kept has any: to purge it too often is safe, to forget a tag of it is not.
 */
export function tagsOf(fields: readonly string[]): readonly string[] {
  let tags: Set<string> | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (!isTagField(fields[i] ?? "")) continue;
    tags ??= new Set();
    // Commas in one field and spaces in the other: no purge names a tag with either in it.
    for (const tag of (fields[i + 1] ?? "").split(/[\t ,]+/)) {
      if (tag === "" || tag.length > TAG_LENGTH_MAX) continue;
      tags.add(ownedText(canonicalTag(tag)));
      if (tags.size > CACHE_TAGS_MAX) return ANY_TAGS;
    }
  }
  return tags === undefined ? NO_TAGS : [...tags];
}

/**
 * Tags are compared without regard to case, as Cloudflare does and Fastly does not: of two who write
 * one tag differently, none expects that what they purge stays.
 */
export function canonicalTag(tag: string): string {
  return tag.toLowerCase();
}
