import type { StoredResponse } from "../cache/stored-response.ts";
import { fieldOf } from "../fields.ts";
import { SlicedBody } from "../slices/sliced-body.ts";
import { COMPRESSIBLE_BYTES_MAX, COMPRESSIBLE_BYTES_MIN } from "./limits.ts";

/** Whether a response is to be had in codings, or why only as the origin sent it. */
export type Compression =
  | { readonly kind: "compress" }
  | {
      readonly kind: "as-is";
      readonly reason:
        | "status"
        | "coded"
        | "no-transform"
        | "type"
        | "length-unknown"
        | "small"
        | "large"
        | "sliced";
    };

/**
 * Text under other names, and what compresses as well, much as the large CDNs have it. Of fonts those
 * that are not compressed in themselves, as WOFF is.
 */
const COMPRESSIBLE: ReadonlySet<string> = new Set([
  "application/ecmascript",
  "application/font-otf",
  "application/font-sfnt",
  "application/font-ttf",
  "application/graphql",
  "application/javascript",
  "application/json",
  "application/json5",
  "application/jsonl",
  "application/ndjson",
  "application/rtf",
  "application/sql",
  "application/toml",
  "application/vnd.apple.mpegurl",
  "application/vnd.ms-fontobject",
  "application/wasm",
  "application/x-font-opentype",
  "application/x-font-otf",
  "application/x-font-truetype",
  "application/x-font-ttf",
  "application/x-javascript",
  "application/x-mpegurl",
  "application/x-ndjson",
  "application/x-sh",
  "application/x-subrip",
  "application/x-yaml",
  "application/xml",
  "application/xml-dtd",
  "application/yaml",
  "font/collection",
  "font/otf",
  "font/sfnt",
  "font/ttf",
  "image/bmp",
  "image/vnd.microsoft.icon",
  "image/x-icon",
]);

/** Text itself, and the structured syntaxes (RFC 6839). The events of a stream would wait in an encoder. */
const COMPRESSIBLE_FAMILY = /^text\/(?!event-stream$)|\+(?:json|xml|yaml)$/;

/**
 * The same of what is stored. A body in slices has mostly some of them, and is asked for in parts: to
 * code it, all the others would have to be fetched first, and kept a second time.
 */
export function compressionOf({
  status,
  section,
  contentLength,
  body,
}: StoredResponse): Compression {
  if (body instanceof SlicedBody) return asIs("sliced");
  const length = contentLength ?? (body.state === "whole" ? body.sizeBytes : undefined);
  return decideCompression({ status, fields: section.fields(), length });
}

/** Of a response that is stored for all: what is for one client alone may have secrets in it (BREACH). */
export function decideCompression(response: {
  readonly status: number;
  readonly fields: readonly string[];
  readonly length: number | undefined;
}): Compression {
  const { status, fields, length } = response;
  if (status !== 200) return asIs("status");
  // Even `identity`, which RFC 9110 §8.4.1 forbids here: who sends it knows why.
  if (fieldOf(fields, "content-encoding") !== undefined) return asIs("coded");
  if (forbidsTransforming(fields)) return asIs("no-transform");
  const type = mediaType(fields);
  if (!COMPRESSIBLE.has(type) && !COMPRESSIBLE_FAMILY.test(type)) return asIs("type");
  if (length === undefined) return asIs("length-unknown");
  if (length < COMPRESSIBLE_BYTES_MIN) return asIs("small");
  return length > COMPRESSIBLE_BYTES_MAX ? asIs("large") : { kind: "compress" };
}

function asIs(reason: Extract<Compression, { kind: "as-is" }>["reason"]): Compression {
  return { kind: "as-is", reason };
}

/** RFC 9111 §5.2.2.6, for all caches or for those of CDNs (RFC 9213). */
function forbidsTransforming(fields: readonly string[]): boolean {
  return ["cache-control", "cdn-cache-control"].some((name) =>
    /(?:^|,)[\t ]*no-transform[\t ]*(?:[,;=]|$)/i.test(fieldOf(fields, name) ?? ""),
  );
}

/** RFC 9110 §8.3.1: type and subtype in lower case, without parameters; of several types none. */
function mediaType(fields: readonly string[]): string {
  const type = /^([^\s,;]+)[\t ]*(?:;|$)/.exec(fieldOf(fields, "content-type") ?? "");
  return type?.[1]?.toLowerCase() ?? "";
}
