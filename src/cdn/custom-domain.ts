export type CustomDomain =
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "invalid"; readonly reason: string };

const EXPECTED = "expected a fully qualified domain name, as static.example.com";
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * A name that an endpoint may be served under besides its own: at least two labels, no address,
 * and none of the platform's own names, which one account must not take from another.
 */
export function parseCustomDomain(text: string, platformDomains: readonly string[]): CustomDomain {
  const domain = text.toLowerCase();
  const labels = domain.split(".");
  const isName = domain.length <= 253 && labels.every((label) => LABEL.test(label));
  // An all-digit last label is an IPv4 address, or would be taken for one (WHATWG URL §3.5).
  if (!isName || labels.length < 2 || /^\d+$/.test(labels.at(-1) ?? "")) {
    return { kind: "invalid", reason: EXPECTED };
  }
  const owner = platformDomains.find((own) => domain === own || domain.endsWith(`.${own}`));
  if (owner !== undefined) {
    return { kind: "invalid", reason: `names under ${owner} are Atoll's own; ${EXPECTED}` };
  }
  return { kind: "domain", domain };
}
