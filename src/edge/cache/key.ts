import type { EdgeEndpoint } from "#feed/entry.ts";
import type { Client } from "../exchange.ts";
import type { RequestHead } from "../request.ts";

/**
 * The cache key (RFC 9111 §2): the endpoint and the raw target, exactly as it is forwarded. Nothing
 * is normalised: two spellings of one path may be two resources to an origin. So may two Hosts be,
 * and the clear and TLS, where the origin is told of them.
 */
export function cacheKey(
  endpoint: Pick<EdgeEndpoint, "id" | "role">,
  { host, target }: Pick<RequestHead, "host" | "target">,
  client: Pick<Client, "tls">,
): string {
  if (endpoint.role !== "proxy") return `${endpoint.id} ${target}`;
  return client.tls === undefined
    ? `${endpoint.id}/${host} ${target}`
    : `${endpoint.id}/https/${host} ${target}`;
}

/** Between a primary key and what tells its variants apart: a target has no LF in it. */
const VARIANT_MARK = "\n";

/** The key of one variant of a resource (RFC 9111 §4.1), which `variantKey` tells from the others. */
export function keyOfVariant(primaryKey: string, variant: string): string {
  return `${primaryKey}${VARIANT_MARK}${variant}`;
}

/** What a key, which may be a variant's, has in common with those of all variants. */
export function primaryKeyOf(key: string): string {
  const mark = key.indexOf(VARIANT_MARK);
  return mark < 0 ? key : key.slice(0, mark);
}

/** The raw target in a key. Neither an endpoint's id nor a Host has a space in it. */
export function targetOfKey(key: string): string {
  const mark = key.indexOf(VARIANT_MARK);
  return key.slice(key.indexOf(" ") + 1, mark < 0 ? undefined : mark);
}
