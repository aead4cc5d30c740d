import { KNOWN_PREFERENCE_CHARS_MAX, KNOWN_PREFERENCES_MAX } from "./limits.ts";
import { ownedText } from "./owned.ts";

/** A member of a weighted list (RFC 9110 §12.4.2). */
interface Preference {
  readonly name: string;
  readonly weight: number;
}

type Negotiated = "accept-encoding" | "accept-language";

/** Values that were read before, by field: each browser always sends the same ones. */
const KNOWN: Readonly<Record<Negotiated, Map<string, string>>> = {
  "accept-encoding": new Map(),
  "accept-language": new Map(),
};

/**
 * One text for all values of an Accept-Encoding or Accept-Language that prefer the same in the same
 * order, whatever their case, white space and weights (RFC 9111 §4.1). `undefined` for other fields,
 * and for what is malformed: who knows what an origin makes of it. Unknown codings stay: to leave them
 * out would serve what one client has asked for to others who have not.
 */
export function normalPreferences(name: string, value: string): string | undefined {
  if (name !== "accept-encoding" && name !== "accept-language") return undefined;
  const known = KNOWN[name];
  const before = known.get(value);
  if (before !== undefined) return before;
  const normal = normalise(name, value);
  if (normal === undefined || value.length > KNOWN_PREFERENCE_CHARS_MAX) return normal;
  if (known.size >= KNOWN_PREFERENCES_MAX) known.clear();
  known.set(ownedText(value), ownedText(normal));
  return normal;
}

function normalise(name: Negotiated, value: string): string | undefined {
  const preferences = parsePreferences(value);
  if (preferences === undefined) return undefined;
  return inOrder(name === "accept-encoding" ? codings(preferences) : preferences);
}

const MEMBER = /^([*\w!#$%&'+.^`|~-]+)[\t ]*(?:;[\t ]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/** In lower case, each name once. */
function parsePreferences(value: string): Preference[] | undefined {
  const preferences: Preference[] = [];
  const seen = new Set<string>();
  for (const member of value.split(",")) {
    const text = member.trim();
    if (text === "") continue;
    const match = MEMBER.exec(text);
    if (match === null) return undefined;
    const [, range = "", weight = "1"] = match;
    const name = range.toLowerCase();
    if (seen.has(name)) return undefined;
    seen.add(name);
    preferences.push({ name, weight: Number(weight) });
  }
  return preferences;
}

/**
 * RFC 9110 §12.5.3: what is not named is not acceptable, unless `*` is, so that to name it with the
 * weight 0 says nothing; but identity always is, and is then what is liked least.
 */
function codings(preferences: readonly Preference[]): readonly Preference[] {
  const named = preferences.map(({ name, weight }) => ({
    name: name === "x-gzip" ? "gzip" : name,
    weight,
  }));
  if (new Set(named.map(({ name }) => name)).size < named.length) return preferences;
  if (named.some(({ name }) => name === "*")) return named;
  const least = Math.min(...named.map(({ weight }) => weight).filter((weight) => weight > 0));
  const leastLiked = named.filter(({ weight }) => weight === least);
  return named.filter(({ name, weight }) =>
    name === "identity" ? weight === 0 || weight !== least || leastLiked.length > 1 : weight > 0,
  );
}

/** Those of one weight by name: their order says nothing (RFC 9110 §12.4.2, §12.5.4). */
function inOrder(preferences: readonly Preference[]): string {
  const weights = [...new Set(preferences.map(({ weight }) => weight))].toSorted((a, b) => b - a);
  const groups = weights.map((weight) => {
    const names = preferences.filter((one) => one.weight === weight).map(({ name }) => name);
    return `${weight === 0 ? "!" : ""}${names.toSorted().join(",")}`;
  });
  return groups.join(">");
}
