/** RFC 9110 §8.8.3. */
export interface EntityTag {
  readonly weak: boolean;
  /** With its quotes. */
  readonly opaque: string;
}

/** One entity-tag, or `undefined` for anything else: no quotes, several, `w/` in lower case. */
export function parseEntityTag(text: string): EntityTag | undefined {
  const match = /^(W\/)?("[^"]*")$/.exec(text);
  if (match === null) return undefined;
  const [, weak, opaque = ""] = match;
  return { weak: weak !== undefined, opaque };
}

/**
 * A list of entity-tags, which may have commas in them, or `undefined` if it is not one as a whole:
 * where one tag ends cannot be told any more after something else. Empty members are nothing (§5.6.1).
 */
export function parseEntityTags(list: string): EntityTag[] | undefined {
  const tags: EntityTag[] = [];
  let end = 0;
  for (const match of list.matchAll(/[\t ]*(?:(W\/)?("[^"]*")[\t ]*)?(?:,|$)/gy)) {
    const [text, weak, opaque] = match;
    if (opaque !== undefined) tags.push({ weak: weak !== undefined, opaque });
    end = match.index + text.length;
  }
  return end === list.length ? tags : undefined;
}

/** RFC 9110 §8.8.3.2: the strong comparison, for what has to be the same octet for octet. */
export function matchesStrongly(one: EntityTag, other: EntityTag): boolean {
  return !one.weak && !other.weak && one.opaque === other.opaque;
}

/** RFC 9110 §8.8.3.2: the weak comparison, for what may take one another's place. */
export function matchesWeakly(one: EntityTag, other: EntityTag): boolean {
  return one.opaque === other.opaque;
}

/** The tag of a representation that means the same, but is not the same octets. */
export function weakened(tag: EntityTag): string {
  return `W/${tag.opaque}`;
}
