import type { EdgeEndpoint } from "#feed/entry.ts";
import { fieldOf } from "../fields.ts";
import type { RequestHead } from "../request.ts";
import { parseCacheControl } from "./directives.ts";

/** Why the cache is left out of it. */
export type BypassReason = "presigned" | "authorization" | "method" | "content";

/** Whether a request may use the cache at all, before anything is looked up. */
export type Lookup =
  /** `onlyIfCached`: it wants a 504 rather than that the origin is asked. */
  | { readonly kind: "lookup"; readonly onlyIfCached: boolean }
  | { readonly kind: "bypass"; readonly reason: BypassReason };

const METHOD: Lookup = { kind: "bypass", reason: "method" };
const CONTENT: Lookup = { kind: "bypass", reason: "content" };
const LOOKUP: Lookup = { kind: "lookup", onlyIfCached: false };
const LOOKUP_ONLY: Lookup = { kind: "lookup", onlyIfCached: true };
const PRESIGNED: Lookup = { kind: "bypass", reason: "presigned" };
const AUTHORIZED: Lookup = { kind: "bypass", reason: "authorization" };

/**
 * A presigned URL is meant for its bearer, and answered for them alone. So is a request of a Space with
 * Authorization, which its store judges. Through a proxy what is stored answers it, as RFC 9111 §3.5
 * leaves it: what is for its bearer alone is never stored.
 */
export function decideLookup(
  request: Pick<RequestHead, "method" | "target" | "contentLength" | "fields">,
  endpoint: Pick<EdgeEndpoint, "role">,
): Lookup {
  if (request.method !== "GET" && request.method !== "HEAD") return METHOD;
  // RFC 9110 §9.3.1: an origin may answer by it, and the key does not have it.
  if (request.contentLength !== 0) return CONTENT;
  if (isPresigned(request.target)) return PRESIGNED;
  if (endpoint.role === "proxy") return isOnlyIfCached(request.fields) ? LOOKUP_ONLY : LOOKUP;
  return fieldOf(request.fields, "authorization") === undefined ? LOOKUP : AUTHORIZED;
}

/** S3's signatures in the query: version 4, and version 2. Names may come escaped. */
export function isPresigned(target: string): boolean {
  const mark = target.indexOf("?");
  if (mark < 0) return false;
  const query = new URLSearchParams(target.slice(mark + 1));
  for (const name of query.keys()) {
    const lower = name.toLowerCase();
    if (lower === "x-amz-signature" || lower === "x-amz-credential") return true;
    if (lower === "awsaccesskeyid") return true;
  }
  return false;
}

/**
 * RFC 9111 §5.2.1.7, of a proxy: the one directive of a request that never makes it fetch. Asked of a
 * Space's endpoint, it would tell anyone what others have looked at.
 */
function isOnlyIfCached(fields: readonly string[]): boolean {
  const value = fieldOf(fields, "cache-control");
  return value !== undefined && parseCacheControl(value).has("only-if-cached");
}
