import { OBJECT_KEY_BYTES_MAX, OBJECT_METADATA_BYTES_MAX } from "#limits.ts";
import { Problem } from "#problem.ts";
import type { StoredObject } from "./space.ts";

/** What an object keeps besides its bytes and what follows from them. */
export type ObjectHead = Pick<
  StoredObject,
  "contentType" | "cacheControl" | "contentEncoding" | "contentDisposition" | "metadata"
>;

const METADATA_PREFIX = "x-amz-meta-";

/** RFC 9110 §5.5, without the obsolete part: what may stand in a field's value. */
const FIELD_VALUE = /^[\x20-\x7e]*$/;

/** Why S3 would not take a key, or its objects could not be asked for; undefined: it is one. */
export function keyMistake(key: string): string | undefined {
  const sizeBytes = Buffer.byteLength(key);
  if (sizeBytes === 0 || sizeBytes > OBJECT_KEY_BYTES_MAX || !key.isWellFormed()) {
    return `expected 1 to ${OBJECT_KEY_BYTES_MAX} bytes of UTF-8`;
  }
  if (key.includes("\0")) return "expected no NUL character";
  // Clients resolve such segments away before they ask, and the edge refuses them.
  if (key.split(/[/\\]/).some((segment) => segment === "." || segment === "..")) {
    return "expected no segment that is . or ..";
  }
  return undefined;
}

/** @throws Problem("unprocessable_entity") for a key that S3 would not take */
export function checkKey(key: string): void {
  const mistake = keyMistake(key);
  if (mistake !== undefined) throw new Problem("unprocessable_entity", `key: ${mistake}`);
}

/** @throws Problem("unprocessable_entity") when the metadata is larger than S3 allows */
export function objectHead(fields: Headers): ObjectHead {
  const metadata: Record<string, string> = {};
  let sizeBytes = 0;
  for (const [name, value] of fields) {
    if (!FIELD_VALUE.test(value) && KEPT.has(name)) throw unreadable(name);
    if (!name.startsWith(METADATA_PREFIX)) continue;
    if (!FIELD_VALUE.test(value)) throw unreadable(name);
    sizeBytes += name.length - METADATA_PREFIX.length + value.length;
    metadata[name.slice(METADATA_PREFIX.length)] = value;
  }
  if (sizeBytes > OBJECT_METADATA_BYTES_MAX) {
    throw new Problem(
      "unprocessable_entity",
      `x-amz-meta-*: expected at most ${OBJECT_METADATA_BYTES_MAX} bytes in all`,
    );
  }
  return {
    contentType: fields.get("content-type") ?? "application/octet-stream",
    ...optional("cacheControl", fields.get("cache-control")),
    ...optional("contentEncoding", fields.get("content-encoding")),
    ...optional("contentDisposition", fields.get("content-disposition")),
    metadata,
  };
}

const KEPT = new Set(["content-type", "cache-control", "content-encoding", "content-disposition"]);

function unreadable(name: string): Problem {
  return new Problem("unprocessable_entity", `${name}: expected printable ASCII`);
}

function optional<K extends string>(name: K, value: string | null): { [P in K]?: string } {
  return value === null ? {} : ({ [name]: value } as { [P in K]: string });
}

/** The same fields as they are sent with the object. */
export function headFields(object: StoredObject): Record<string, string> {
  const fields: Record<string, string> = {
    "content-type": object.contentType,
    etag: `"${object.etag}"`,
    "last-modified": new Date(object.lastModified).toUTCString(),
  };
  if (object.cacheControl !== undefined) fields["cache-control"] = object.cacheControl;
  if (object.contentEncoding !== undefined) fields["content-encoding"] = object.contentEncoding;
  if (object.contentDisposition !== undefined) {
    fields["content-disposition"] = object.contentDisposition;
  }
  for (const [name, value] of Object.entries(object.metadata)) {
    fields[`${METADATA_PREFIX}${name}`] = value;
  }
  return fields;
}
