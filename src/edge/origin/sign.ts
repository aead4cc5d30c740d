import aws4 from "aws4";
import type { UpstreamOrigin } from "#feed/entry.ts";

/** What a signature covers, beside the time. */
export interface Unsigned {
  readonly method: "GET" | "HEAD";
  readonly host: string;
  /** Escaped path, without a query. */
  readonly path: string;
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
