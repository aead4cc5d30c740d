/** A tag's name with `*` for any run of characters: `v*`, `release-*-final`. */
export type TagPattern = string;

/** What a tag's name is made of (OCI distribution, "Pulling manifests"), and `*`. */
const PATTERN = /^[a-zA-Z0-9_.*-]{1,128}$/;

/** Whether it may be a pattern of tags. */
export function isTagPattern(text: string): boolean {
  return PATTERN.test(text);
}

/** The same for repositories, whose names have slashes. */
export function isRepositoryPattern(text: string): boolean {
  return /^[a-z0-9_./*-]{1,255}$/.test(text);
}

/** Whether one of the patterns is the name's. */
export function matchesTag(patterns: readonly TagPattern[], name: string): boolean {
  return patterns.some((pattern) => matches(pattern, name));
}

/** Without a regular expression: many stars in a pattern must not cost more than its length. */
function matches(pattern: TagPattern, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || !name.slice(first.length).endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
