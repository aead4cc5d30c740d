import { networkInterfaces } from "node:os";
import type { Config } from "./config.ts";

/** The addresses that stand for every one of this machine. */
const WILDCARDS = new Set(["::", "0.0.0.0"]);

/** RFC 5735 §3, RFC 4291 §2.5.3. */
function isLoopback(host: string): boolean {
  return host === "::1" || host.startsWith("127.");
}

/**
 * Bearer tokens go over plain HTTP on the loopback only, or where the operator says
 * that a proxy stands in front.
 */
export function speaksPlain({ host, api }: Config): boolean {
  return isLoopback(host) || api.plain;
}

/** A listener as a client of this machine reaches it. */
export function urlOf(scheme: "http" | "https", host: string, port: number): string {
  const reachable = WILDCARDS.has(host) ? "127.0.0.1" : host;
  return `${scheme}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

/** Names on the API's certificate: this machine's, the operator's, and the domain's. */
export function apiNames({ host, api, domain }: Config): readonly string[] {
  return [
    "localhost",
    "api.localhost",
    "127.0.0.1",
    "::1",
    ...(WILDCARDS.has(host) ? ownAddresses() : [host]),
    ...(domain === undefined ? [] : [`api.${domain}`]),
    ...api.names,
  ];
}

/** A leaf for them is made anew when they change: it is looked at daily, and at each start. */
function ownAddresses(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  // A link-local address means nothing without its zone, for which a certificate has no place.
  return addresses.map(({ address }) => address).filter((address) => !/^fe80:/i.test(address));
}

/** Names that no endpoint's custom domain may lie under: the platform serves them itself. */
export function platformDomains({ domain, spaces }: Config): readonly string[] {
  if (domain === undefined) return spaces.domains;
  return [...spaces.domains, `api.${domain}`, `registry.${domain}`];
}
