import { fieldOf } from "../fields.ts";

/** Names of the fields that a response was selected by, and their values, alternating. */
export type Selecting = readonly string[];

/** What of this request a response with this Vary was selected by (RFC 9110 §12.5.5). */
export function selectingFields(vary: string | undefined, request: readonly string[]): Selecting {
  if (vary === undefined) return [];
  const names = new Set(
    vary
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  names.delete("");
  return [...names].flatMap((name) => [name, valueOf(request, name)]);
}

/** RFC 9111 §4.1: whether this request would have selected the same response. */
export function selects(selecting: Selecting, request: readonly string[]): boolean {
  for (let i = 0; i < selecting.length; i += 2) {
    if (valueOf(request, selecting[i] ?? "") !== selecting[i + 1]) return false;
  }
  return true;
}

/** White space around commas says nothing; a field that is absent is not one that is empty. */
function valueOf(request: readonly string[], name: string): string {
  const value = fieldOf(request, name);
  return value === undefined ? "\0" : value.replace(/[\t ]*,[\t ]*/g, ",");
}
