import { fieldOf, type RequestHead } from "../wire/request-head.ts";

/** Why the cache is left out of it. */
export type BypassReason = "presigned" | "authorization";

/** Whether a request may use the cache at all, before anything is looked up. */
export type Lookup =
  | { readonly kind: "lookup" }
  | { readonly kind: "bypass"; readonly reason: BypassReason };

const LOOKUP: Lookup = { kind: "lookup" };
const PRESIGNED: Lookup = { kind: "bypass", reason: "presigned" };
const AUTHORIZED: Lookup = { kind: "bypass", reason: "authorization" };

/** A presigned URL or an Authorization field is meant for its bearer, and answered for them alone. */
export function decideLookup(request: RequestHead): Lookup {
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
