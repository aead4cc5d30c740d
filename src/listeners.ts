import { networkInterfaces } from "node:os";
import type { Config } from "./config.ts";

/** The addresses that stand for every one of this machine. */
const WILDCARDS = new Set(["::", "0.0.0.0"]);

/** RFC 5735 §3, RFC 4291 §2.5.3. */
export function isLoopback(host: string): boolean {
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
  return `${scheme}://${authorityOf(host, port)}`;
}

/** The same without a scheme: `127.0.0.1:8053`. */
export function authorityOf(host: string, port: number): string {
  const reachable = WILDCARDS.has(host) ? "127.0.0.1" : host;
  return `${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
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

/**
 * Names on the registry's certificate: the API's, and its own beside each `api.` name, as
 * registry.digitalocean.com where the operator has given the API the other one.
 */
export function registryNames(config: Config): readonly string[] {
  const names = apiNames(config);
  const own = names
    .filter((name) => name.startsWith("api."))
    .map((name) => `registry.${name.slice("api.".length)}`);
  return [...new Set([...names, ...own])];
}

/** A leaf for them is made anew when they change: it is looked at daily, and at each start. */
function ownAddresses(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  // A link-local address means nothing without its zone, for which a certificate has no place.
  return addresses.map(({ address }) => address).filter((address) => !/^fe80:/i.test(address));
}

/** Of the platform's own names, those that the local CA is to issue certificates for at the start. */
export function locallyIssued({ domain, acme }: Config): readonly string[] {
  return domain === undefined || acme.directory !== "local" ? [] : platformNames(domain, []);
}

/**
 * Names of the platform's own that clients ask for over TLS at the edge: the control plane's, and one
 * wildcard for the endpoints of each region.
 */
export function platformNames(domain: string, regions: readonly string[]): readonly string[] {
  const wildcards = regions.map((region) => `*.${region}.cdn.spaces.${domain}`);
  return [`api.${domain}`, `registry.${domain}`, ...wildcards];
}

/** Names that no endpoint's custom domain may lie under: the platform serves them itself. */
export function platformDomains({ domain, spaces }: Config): readonly string[] {
  if (domain === undefined) return spaces.domains;
  return [...spaces.domains, `api.${domain}`, `registry.${domain}`];
}
