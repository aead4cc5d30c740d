import { parseDictionary } from "structured-headers";
import { parseHttpDate } from "#http/http-date.ts";
import { fieldOf } from "../fields.ts";

/** What a response says about being cached, for a shared cache that is a CDN. */
export interface CachingPolicy {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly private: boolean;
  /** The freshness lifetime the origin gives, or `undefined` if it gives none. */
  readonly lifetimeSeconds: number | undefined;
}

/** Directive names in lower case; a value that needs none is `true`. */
type Directives = ReadonlyMap<string, string | true>;

/** RFC 9111 §1.2.2: what delta-seconds is capped to. */
export const DELTA_SECONDS_MAX = 2 ** 31;

/** RFC 9213 §2.2: a valid, non-empty CDN-Cache-Control replaces Cache-Control and Expires whole. */
export function cachingPolicy(fields: readonly string[], responseTime: number): CachingPolicy {
  const targeted = parseTargeted(fieldOf(fields, "cdn-cache-control"));
  if (targeted !== undefined) return policyOf(targeted, undefined);
  const directives = parseCacheControl(fieldOf(fields, "cache-control") ?? "");
  return policyOf(directives, expiresLifetime(fields, responseTime));
}

/** Cache-Control (RFC 9111 §5.2), with arguments as tokens or quoted strings. The first of equals counts. */
function parseCacheControl(value: string): Directives {
  const directives = new Map<string, string | true>();
  const members = /([!#$%&'*+\-.^`|~\w]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[^,]*/g;
  for (const [, name = "", quoted, token] of value.matchAll(members)) {
    const lower = name.toLowerCase();
    if (!directives.has(lower)) directives.set(lower, quoted ?? token ?? true);
  }
  return directives;
}

/** RFC 9213 §2.1: a field that is empty or does not parse as a Dictionary is ignored. */
function parseTargeted(value: string | undefined): Directives | undefined {
  if (value === undefined) return undefined;
  try {
    const directives = new Map<string, string | true>();
    for (const [name, [argument]] of parseDictionary(value)) {
      if (argument === true) directives.set(name, true);
      // A decimal is not delta-seconds; as text it will be invalid, and count as stale.
      else if (argument !== false) directives.set(name, String(argument));
    }
    return directives.size === 0 ? undefined : directives;
  } catch {
    return undefined;
  }
}

/** RFC 9111 §4.2.1: s-maxage, then max-age, then Expires. */
function policyOf(directives: Directives, expires: number | undefined): CachingPolicy {
  return {
    noStore: directives.has("no-store"),
    // With field names these two say less; to read them as whole is the restrictive side.
    noCache: directives.has("no-cache"),
    private: directives.has("private"),
    lifetimeSeconds:
      deltaSeconds(directives.get("s-maxage")) ??
      deltaSeconds(directives.get("max-age")) ??
      expires,
  };
}

/** RFC 9111 §4.2.1: invalid freshness information makes a response stale. */
function deltaSeconds(argument: string | true | undefined): number | undefined {
  if (argument === undefined) return undefined;
  if (argument === true || !/^\d+$/.test(argument)) return 0;
  return Math.min(Number(argument), DELTA_SECONDS_MAX);
}

/** RFC 9111 §5.3: an invalid Expires, especially "0", is a time in the past. */
function expiresLifetime(fields: readonly string[], responseTime: number): number | undefined {
  const value = fieldOf(fields, "expires");
  if (value === undefined) return undefined;
  const expires = parseHttpDate(value, responseTime);
  if (expires === undefined) return 0;
  const date = parseHttpDate(fieldOf(fields, "date") ?? "", responseTime) ?? responseTime;
  return Math.min(Math.max(0, Math.floor((expires - date) / 1_000)), DELTA_SECONDS_MAX);
}
