import { remembering } from "#remembering.ts";
import { fieldOf } from "../fields.ts";
import { cacheDate } from "./dates.ts";
import { type Directives, parseCacheControl, parseTargeted } from "./directives.ts";
import { DELTA_SECONDS_MAX } from "./limits.ts";

/** What a response says about being cached, for a shared cache that is a CDN. */
export interface CachingPolicy {
  readonly noStore: boolean;
  /** Never reused without validation. */
  readonly noCache: boolean;
  readonly private: boolean;
  /** Fields that are for the request that was answered, and for nobody after it. Lower case. */
  readonly withheld: readonly string[];
  readonly public: boolean;
  readonly mustUnderstand: boolean;
  /** Never served stale (RFC 9111 §4.2.4). */
  readonly mustRevalidate: boolean;
  /** Never used stale but where RFC 5861's directives allow it. */
  readonly staleAsSaidOnly: boolean;
  /** Whether others may be served what a request with Authorization was answered (§3.5). */
  readonly sharesAuthorized: boolean;
  /** The freshness lifetime the origin gives, or `undefined` if it gives none. */
  readonly lifetimeSeconds: number | undefined;
  /** RFC 5861: for how long it may be served stale; `undefined` where nothing is said. */
  readonly staleWhileRevalidateSeconds: number | undefined;
  readonly staleIfErrorSeconds: number | undefined;
  /** Whether caches that read Cache-Control and Expires alone are told no lifetime and no refusal. */
  readonly silent: boolean;
}

/**
 * RFC 9213 §2.2: the target list has one field. If its value is valid and not empty, Cache-Control
 * and Expires are ignored as a whole.
 */
export function cachingPolicy(fields: readonly string[], responseTime: number): CachingPolicy {
  const text = fieldOf(fields, "cache-control") ?? "";
  const expires = expiresLifetime(fields, responseTime);
  const untargeted =
    expires === undefined ? policyOfText(text) : policyOf(parseCacheControl(text), expires);
  const field = fieldOf(fields, "cdn-cache-control");
  const targeted = field === undefined ? undefined : parseTargeted(field);
  if (targeted === undefined) return untargeted;
  return { ...policyOf(targeted, undefined), silent: untargeted.silent };
}

/**
 * Fields by which a stored response is found, dated, validated or read: without them the rest would
 * mean something else. A directive that names one is taken as naming none, which says more.
 */
const NEEDED: ReadonlySet<string> = new Set([
  "age",
  "cache-control",
  "cdn-cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "vary",
]);

function policyOf(directives: Directives, expires: number | undefined): CachingPolicy {
  const noCache = fieldNames(directives, "no-cache");
  const toOne = fieldNames(directives, "private");
  const noStore = directives.has("no-store");
  // RFC 9111 §4.2.1: s-maxage, then max-age, then Expires.
  const lifetimeSeconds =
    deltaSeconds(directives, "s-maxage") ?? deltaSeconds(directives, "max-age") ?? expires;
  return {
    noStore,
    noCache: noCache === "all",
    private: toOne === "all",
    withheld: [noCache, toOne].flatMap((names) => (names === "all" ? [] : names)),
    public: directives.has("public"),
    mustUnderstand: directives.has("must-understand"),
    mustRevalidate:
      noCache === "all" ||
      ["must-revalidate", "proxy-revalidate"].some((name) => directives.has(name)),
    // RFC 9111 §5.2.2.10: s-maxage has the meaning of proxy-revalidate in it. Deviation: where the same
    // field says for how long what is stale may be served (RFC 5861), that is what its author means; all
    // CDNs read it so.
    staleAsSaidOnly: directives.has("s-maxage"),
    sharesAuthorized: ["must-revalidate", "public", "s-maxage"].some((name) =>
      directives.has(name),
    ),
    lifetimeSeconds,
    staleWhileRevalidateSeconds: deltaSeconds(directives, "stale-while-revalidate"),
    staleIfErrorSeconds: deltaSeconds(directives, "stale-if-error"),
    silent: lifetimeSeconds === undefined && !noStore && noCache !== "all" && toOne !== "all",
  };
}

/** Of Cache-Control alone, which one server says the same of most that it has. */
const policyOfText = remembering((text) => policyOf(parseCacheControl(text), undefined));

/**
 * RFC 9111 §5.2.2.4, §5.2.2.7: the fields that no-cache and private are limited to, or all of the
 * response. Of several the one that says most counts (§4.2.1), as does what cannot be read.
 */
function fieldNames(directives: Directives, directive: string): readonly string[] | "all" {
  const names: string[] = [];
  for (const argument of directives.get(directive) ?? []) {
    if (argument === true) return "all";
    const listed = argument.split(",").map((name) => name.trim().toLowerCase());
    const named = listed.filter((name) => name !== "");
    if (named.length === 0 || named.some((name) => !isFieldName(name) || NEEDED.has(name))) {
      return "all";
    }
    names.push(...named);
  }
  return names;
}

function isFieldName(text: string): boolean {
  return /^[!#$%&'*+\-.^`|~\w]+$/.test(text);
}

/**
 * RFC 9111 §4.2.1: of several the first counts; one that is invalid makes a lifetime none, and
 * permits nothing.
 */
function deltaSeconds(directives: Directives, directive: string): number | undefined {
  const argument = directives.get(directive)?.[0];
  if (argument === undefined) return undefined;
  if (argument === true || !/^\d+$/.test(argument)) return 0;
  return Math.min(Number(argument), DELTA_SECONDS_MAX);
}

/**
 * RFC 9111 §5.3: an invalid Expires, especially "0", is a time in the past; so are two of them, which
 * §4.2.1 lets count as stale.
 */
function expiresLifetime(fields: readonly string[], responseTime: number): number | undefined {
  const value = fieldOf(fields, "expires");
  if (value === undefined) return undefined;
  const expires = cacheDate(value, responseTime);
  if (expires === undefined) return 0;
  const date = cacheDate(fieldOf(fields, "date"), responseTime) ?? responseTime;
  return Math.min(Math.max(0, Math.floor((expires - date) / 1_000)), DELTA_SECONDS_MAX);
}
