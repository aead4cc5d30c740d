/** What a token of a person or a program of his may be granted besides single scopes. */
export const FULL_ACCESS = "write";

/** Scopes that `read` covers although they are not called so (CONTRACT §1.4). */
const ALSO_READ: ReadonlySet<string> = new Set(["registry:docker-credentials"]);

/** `read`, `write`, or `<resource>:<verb>` with the verbs of CONTRACT §1.4. */
export function isScope(text: string): boolean {
  return /^(read|write|[a-z][a-z_]{0,40}:(create|read|update|delete))$/.test(text);
}

/** CONTRACT §1.4: `write` covers everything, `read` every `…:read`, others only themselves. */
export function scopesAllow(granted: readonly string[], needed: string): boolean {
  if (granted.includes(FULL_ACCESS) || granted.includes(needed)) return true;
  if (!granted.includes("read")) return false;
  return needed.endsWith(":read") || ALSO_READ.has(needed);
}
