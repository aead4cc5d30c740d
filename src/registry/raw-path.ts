/**
 * The path to route a request by: a repository's name whose slashes came raw, as droplet_kit sends
 * it, has them escaped, as every other client does. `…/repositories/my/repo/tags` is
 * `…/repositories/my%2Frepo/tags`; what is about something else stays as it is.
 *
 * A name may have segments like the routes' own (`my/tags`). Then it is what the method can mean:
 * lists end in `tags` or `digests`, and only a delete names one of them.
 */
export function escapeRepository(method: string, path: string): string {
  const match = /^(\/v2\/registr(?:y|ies)\/[^/]+\/repositories\/)(.+)$/.exec(path);
  if (match === null) return path;
  const [, before = "", rest = ""] = match;
  const segments = rest.split("/");
  const length = segments.length - suffixLength(method, segments);
  if (length < 2) return path;
  const name = segments.slice(0, length).join("%2F");
  return before + [name, ...segments.slice(length)].join("/");
}

/** How many of the last segments are the route's, not the name's. */
function suffixLength(method: string, segments: readonly string[]): number {
  const [collection = "", last = ""] = segments.slice(-2);
  if (method === "DELETE" && isCollection(collection) && segments.length > 2) return 2;
  // Also for a delete: a tag that was left out by mistake must not mean the repository `my/tags`.
  return isCollection(last) ? 1 : 0;
}

function isCollection(segment: string): boolean {
  return segment === "tags" || segment === "digests";
}
