import { fieldOf } from "../fields.ts";
import { parseCacheControl, parseTargeted } from "./directives.ts";
import type { Freshness } from "./freshness.ts";

/** What gives a stored response its freshness lifetime. */
export type LifetimeSource =
  | {
      readonly kind: "directive";
      readonly name: "s-maxage" | "max-age";
      readonly field: "CDN-Cache-Control" | "Cache-Control";
    }
  /** "nothing": it has none, and is stale at once. */
  | { readonly kind: "expires" | "ttl" | "heuristic" | "nothing" };

/** In the order of RFC 9111 §4.2.1, after RFC 9213 §2.2 has said which field counts. */
export function lifetimeSource(
  fields: readonly string[],
  { heuristicSeconds }: Pick<Freshness, "heuristicSeconds">,
  ttlSeconds: number | undefined,
): LifetimeSource {
  const target = fieldOf(fields, "cdn-cache-control");
  const targeted = target === undefined ? undefined : parseTargeted(target);
  const directives = targeted ?? parseCacheControl(fieldOf(fields, "cache-control") ?? "");
  const field = targeted === undefined ? "Cache-Control" : "CDN-Cache-Control";
  for (const name of ["s-maxage", "max-age"] as const) {
    if (directives.has(name)) return { kind: "directive", name, field };
  }
  const hasExpires = targeted === undefined && fieldOf(fields, "expires") !== undefined;
  if (hasExpires) return { kind: "expires" };
  if (ttlSeconds !== undefined) return { kind: "ttl" };
  return { kind: heuristicSeconds > 0 ? "heuristic" : "nothing" };
}
