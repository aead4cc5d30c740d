import type { Client } from "../exchange.ts";
import type { RequestHead } from "../request.ts";
import { endToEndFields } from "../response-head.ts";

/** Which of a client's fields an origin is sent. */
export type Forwarding = "conditions" | "all" | "all-but-conditions";

/** What the client asked of the origin itself, when the cache is not involved. */
const CONDITIONS: ReadonlySet<string> = new Set([
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
]);

/** Said by the edge itself, to each origin. */
const OURS: ReadonlySet<string> = new Set([
  "content-length",
  "expect",
  "host",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-request-id",
]);

/**
 * No key has these, and origins act by them: with one, a client makes others be served what they did
 * not ask for (cache poisoning), or passes for another.
 */
const CONFUSING: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-scheme",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-host",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-host",
  "x-original-url",
  "x-rewrite-url",
]);

/** The client's fields that go on to the origin, names and values alternating. */
export function clientFields(request: RequestHead, forwarding: Forwarding): string[] {
  const fields = endToEndFields(request.fields);
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    if (goesOn(name, forwarding)) kept.push(name, name === "max-forwards" ? oneLess(value) : value);
  }
  return kept;
}

/**
 * Who asks, and by what: RFC 9110 §7.6.3 asks gateways for Via. X-Forwarded-For has one address, the
 * client's own: what it says of those before it, it may have made up, and origins believe the first.
 */
export function proxyFields(request: RequestHead, client: Client): string[] {
  const version = request.version.slice("HTTP/".length);
  const scheme = client.tls === undefined ? "http" : "https";
  return [
    ...pair("via", `${version} atoll`),
    ...pair("x-forwarded-for", client.address),
    ...pair("x-forwarded-proto", scheme),
  ];
}

function pair(name: string, value: string): readonly [string, string] {
  return [name, value];
}

/** RFC 9110 §7.6.2: what is no number is not ours to change. */
function oneLess(maxForwards: string): string {
  return /^\d{1,15}$/.test(maxForwards)
    ? String(Math.max(0, Number(maxForwards) - 1))
    : maxForwards;
}

function goesOn(name: string, forwarding: Forwarding): boolean {
  const isCondition = CONDITIONS.has(name);
  if (forwarding === "conditions") return isCondition;
  if (forwarding === "all-but-conditions" && isCondition) return false;
  // To CGI, and what follows it, both spellings are one name.
  const plain = name.replaceAll("_", "-");
  return !OURS.has(plain) && !CONFUSING.has(plain);
}
