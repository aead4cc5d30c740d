/** A Space as its origin's host name spells it. */
export interface SpaceName {
  readonly name: string;
  readonly region: string;
}

/** An origin, taken apart: `static-images.nyc3.digitaloceanspaces.com`. */
export interface Origin extends SpaceName {
  readonly domain: string;
}

/** A bucket's name without dots: those would not be covered by a wildcard certificate. */
export function isSpaceName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/.test(text);
}

/** Three letters and a digit, as `nyc3`. */
export function isRegion(text: string): boolean {
  return /^[a-z]{3}[0-9]$/.test(text);
}

export type ParsedOrigin =
  | { readonly kind: "origin"; readonly origin: Origin }
  | { readonly kind: "invalid"; readonly reason: string };

/** `<space>.<region>.<one of the Spaces domains>`, in any case, and nothing else. */
export function parseOrigin(text: string, domains: readonly string[]): ParsedOrigin {
  const expected = `expected a bare host as <space>.<region>.${domains[0] ?? ""}`;
  const invalid = (why: string): ParsedOrigin => ({
    kind: "invalid",
    reason: `${why}; ${expected}`,
  });
  if (text.includes("/")) return invalid("it is a URL");
  const host = text.toLowerCase();
  const domain = domains.find((candidate) => host.endsWith(`.${candidate}`));
  if (domain === undefined) return invalid(`it is not under ${domains.join(" or ")}`);
  const labels = host.slice(0, -domain.length - 1).split(".");
  const [name, region] = labels;
  if (labels.includes("cdn")) return invalid("it is the CDN's own name");
  if (labels.length > 2) return invalid("a Space's name has no dots");
  if (name === undefined || !isSpaceName(name)) {
    return invalid("a Space's name has 3 to 63 letters, digits and inner dashes");
  }
  if (region === undefined || !isRegion(region)) {
    return invalid("a region is three letters and a digit, as nyc3");
  }
  return { kind: "origin", origin: { name, region, domain } };
}

/** The inverse: the host name that an origin is written as. */
export function originHost(origin: Origin): string {
  return `${origin.name}.${origin.region}.${origin.domain}`;
}

/** `{space}` and `{region}` filled into an operator's URL template. */
export function fillTemplate(template: string, { name, region }: SpaceName): string {
  return template.replaceAll("{space}", name).replaceAll("{region}", region);
}
