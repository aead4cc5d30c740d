import { fieldOf } from "../fields.ts";
import type { RequestHead } from "../request.ts";

/** Why the cache is left out of it. */
export type BypassReason = "presigned" | "authorization" | "method" | "content";

/** Whether a request may use the cache at all, before anything is looked up. */
export type Lookup =
  | { readonly kind: "lookup" }
  | { readonly kind: "bypass"; readonly reason: BypassReason };

const METHOD: Lookup = { kind: "bypass", reason: "method" };
const CONTENT: Lookup = { kind: "bypass", reason: "content" };
const LOOKUP: Lookup = { kind: "lookup" };
const PRESIGNED: Lookup = { kind: "bypass", reason: "presigned" };
const AUTHORIZED: Lookup = { kind: "bypass", reason: "authorization" };

/** A presigned URL or an Authorization field is meant for its bearer, and answered for them alone. */
export function decideLookup(request: RequestHead): Lookup {
  if (request.method !== "GET" && request.method !== "HEAD") return METHOD;
  // RFC 9110 §9.3.1: an origin may answer by it, and the key does not have it.
  if (request.contentLength !== 0) return CONTENT;
  if (isPresigned(request.target)) return PRESIGNED;
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
