import aws4 from "aws4";
import type { UpstreamOrigin } from "#feed/entry.ts";

/** What a signature covers, beside the time. */
export interface Unsigned {
  readonly method: string;
  readonly host: string;
  /** Canonical path, without a query. */
  readonly path: string;
}

/**
 * The path as SigV4 has it in its canonical request: all but unreserved characters and slashes is
 * escaped (RFC 3986 §2.3). Sent like that it means the same to a store that decodes what it is sent
 * before it checks the signature and to one that does not; of a raw `+` some make a space. Escapes
 * that are there already stay as they are.
 */
export function canonicalPath(path: string): string {
  return path.replace(
    /[^\w\-.~/%]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/**
 * The fields that authorize a request by SigV4 (service s3), or `undefined` when the path has
 * escapes that no key can have.
 */
export function signedFields(
  request: Unsigned,
  credentials: NonNullable<UpstreamOrigin["credentials"]>,
  now: number,
): Record<string, string> | undefined {
  const amzDate = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, "");
  try {
    const signed = aws4.sign(
      {
        service: "s3",
        region: credentials.region,
        method: request.method,
        host: request.host,
        path: request.path,
        headers: { "X-Amz-Date": amzDate },
      },
      credentials,
    );
    const headers = Object.entries(signed.headers ?? {});
    // `Host` is signed as it will be sent, and is sent by the HTTP client.
    return Object.fromEntries(
      headers
        .filter(([name]) => name.toLowerCase() !== "host")
        .map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
