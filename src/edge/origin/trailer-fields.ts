import { endToEndFields } from "../response-head.ts";

const NO_TRAILERS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "expires",
  "host",
  "location",
  "set-cookie",
  "vary",
]);

/**
 * The trailer fields that go on, of those that came, names in lower case. RFC 9110 §6.5.1: what decides
 * about framing, routing or caching has no place in a trailer.
 */
export function trailerFields(raw: readonly string[]): readonly string[] {
  if (raw.length === 0) return raw;
  return endToEndFields(raw).filter((_, i, all) => !NO_TRAILERS.has(all[i - (i % 2)] ?? ""));
}
