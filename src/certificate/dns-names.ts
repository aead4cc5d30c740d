import { domainToASCII } from "node:url";
import { DNS_NAMES_MAX } from "./limits.ts";
import { parseLeafName } from "./local-ca.ts";

export type DnsNames =
  | { readonly kind: "names"; readonly names: readonly string[] }
  | { readonly kind: "invalid"; readonly reason: string };

const EXPECTED = "expected fully qualified domain names, as www.example.com or *.example.com";

/** The names that a managed certificate is asked for: each once, in lower case, in their order. */
export function parseDnsNames(texts: readonly string[]): DnsNames {
  if (texts.length === 0) return { kind: "invalid", reason: `at least one name; ${EXPECTED}` };
  const names = new Set<string>();
  for (const text of texts) {
    const name = parseDnsName(text);
    if (name === undefined) {
      return { kind: "invalid", reason: `${EXPECTED}, got ${JSON.stringify(text.slice(0, 255))}` };
    }
    names.add(name);
  }
  if (names.size > DNS_NAMES_MAX) {
    return { kind: "invalid", reason: `at most ${DNS_NAMES_MAX} names, got ${names.size}` };
  }
  return { kind: "names", names: [...names] };
}

/** RFC 8555 §7.1.4: a host name or a wildcard above one, in the form that DNS has of it. */
function parseDnsName(text: string): string | undefined {
  // Of a URL's host, which is what `domainToASCII` reads: it ends here, or loses or decodes these.
  if (/[\s/\\?#%]/.test(text)) return undefined;
  const wildcard = text.startsWith("*.") ? "*." : "";
  const ascii = domainToASCII(text.slice(wildcard.length).replace(/\.$/, ""));
  const name = parseLeafName(`${wildcard}${ascii}`);
  if (name?.kind !== "dns") return undefined;
  const labels = ascii.split(".");
  // An all-digit last label is an IPv4 address, or would be taken for one (WHATWG URL §3.5).
  if (labels.length < 2 || /^\d+$/.test(labels.at(-1) ?? "")) return undefined;
  return name.text;
}

/** RFC 9525 §6.3: a wildcard is the whole left-most label, and stands for exactly one. */
export function covers(names: readonly string[], domain: string): boolean {
  const parent = domain.slice(domain.indexOf("."));
  return names.some((name) => name === domain || name === `*${parent}`);
}
