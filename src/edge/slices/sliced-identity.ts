import { parseEntityTag } from "#http/entity-tag.ts";
import { parseHttpDate } from "#http/http-date.ts";
import { fieldOf } from "../fields.ts";

/**
 * What parts of one representation may be put together by (RFC 9110 §15.3.7.3): its strong ETag, or a
 * Last-Modified that a second has passed after (§8.8.2.2). Undefined: it has none.
 */
export function strongValidator(
  fields: readonly string[],
  responseTime: number,
): string | undefined {
  const etag = fieldOf(fields, "etag");
  if (etag !== undefined) return parseEntityTag(etag)?.weak === false ? etag : undefined;
  const lastModified = fieldOf(fields, "last-modified");
  const modified = parseHttpDate(lastModified ?? "", responseTime);
  const date = parseHttpDate(fieldOf(fields, "date") ?? "", responseTime);
  if (modified === undefined || date === undefined) return undefined;
  return date - modified >= 1_000 ? lastModified : undefined;
}
