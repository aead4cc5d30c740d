import type { EndpointSettings } from "#feed/entry.ts";
import { hasWildcard, pathOf, tagOf } from "./purge-pattern.ts";

/** By the list that an endpoint has: it is the same for as long as its settings are. */
const NAME_SETS = new WeakMap<readonly string[], ReadonlySet<string>>();

/**
 * The target that is in the key, and that the origin is sent: what answers are not told apart by must
 * not reach who makes them. Parameters that stay keep their spelling and their order.
 */
export function keyTarget(target: string, query: EndpointSettings["query"]): string {
  if (query === undefined) return target;
  const mark = target.indexOf("?");
  if (mark < 0) return target;
  const path = target.slice(0, mark);
  if (query.kind === "none") return path;
  const names = octetsOfAll(query.names);
  const kept = target
    .slice(mark + 1)
    .split("&")
    .filter((parameter) => names.has(nameOf(parameter)));
  return kept.length === 0 ? path : `${path}?${kept.join("&")}`;
}

/**
 * A purge's pattern, and the one by which it reaches what the requests that it names are answered with
 * (`keyTarget`). What is kept under the pattern itself, from before the query counted so, goes as well.
 */
export function keyedPatterns(
  pattern: string,
  query: EndpointSettings["query"],
): readonly string[] {
  const path = pathOf(pattern);
  if (query === undefined || path === pattern || tagOf(pattern) !== undefined) return [pattern];
  // It may stand for parameters that count and for some that do not: to purge more is safe.
  if (query.kind === "only" && hasWildcard(pattern.slice(path.length))) return [path];
  const target = keyTarget(pattern, query);
  // A path alone would be meant with any query.
  const keyed = target === path ? `${path}?` : target;
  return keyed === pattern ? [pattern] : [pattern, keyed];
}

/** A parameter's name as octets, one character each: `%61` is `a`, and `+` is a space. */
function nameOf(parameter: string): string {
  const equals = parameter.indexOf("=");
  const raw = equals < 0 ? parameter : parameter.slice(0, equals);
  if (!/[%+]/.test(raw)) return raw;
  return raw
    .replaceAll("+", " ")
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function octetsOfAll(names: readonly string[]): ReadonlySet<string> {
  const known = NAME_SETS.get(names);
  if (known !== undefined) return known;
  const octets = new Set(names.map((name) => Buffer.from(name, "utf8").toString("latin1")));
  NAME_SETS.set(names, octets);
  return octets;
}
