import { z } from "zod";

/**
 * An object without members that nobody reads: where they say what is to be so from now on, one that
 * is misspelt would silently change nothing. Elsewhere they are tolerated (CONTRACT §1).
 */
export function strictMembers<S extends z.ZodRawShape>(shape: S) {
  const expected = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `no member is called ${shown(issue.keys)}: there are ${expected}`
        : `expected an object, with some of ${expected}`,
  });
}

/** A reply is not to grow with what somebody made up. */
function shown(names: readonly string[]): string {
  return names
    .slice(0, 5)
    .map((name) => name.slice(0, 100))
    .join(", ");
}
