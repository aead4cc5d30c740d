import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "./call.ts";
import type { Refusal } from "./refusal.ts";

/** What is still read of content that was refused, and for how long: most clients notice soon. */
const DRAINED_BYTES_MAX = 8 * 1_048_576;
const DRAIN_MS = 2_000;

/** The only place where a refusal becomes bytes: `{"errors":[{code, message, detail}]}`. */
export async function writeRefusal(
  refusal: Refusal,
  { request, response }: Pick<Call, "request" | "response">,
): Promise<void> {
  if (response.headersSent || response.destroyed) {
    // Half an answer must not look like a whole one.
    response.destroy();
    return;
  }
  const { code, message, detail, further, status, fields } = refusal;
  const error = { code, message, ...(detail === undefined ? {} : { detail }) };
  const others = further.map((other) => ({ code, message: other.message, detail: other.detail }));
  const text = JSON.stringify({ errors: [error, ...others] });
  const isUnread = !request.complete && hasContent(request);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...fields,
    ...(isUnread ? { connection: "close" } : {}),
  });
  if (request.method !== "HEAD") response.write(text);
  if (isUnread && request.headers.expect === undefined) await drain(request);
  response.end();
}

function hasContent({ headers }: Call["request"]): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/**
 * A connection that is closed with something unread is reset, and a client that still writes would
 * never see why: some of it is read and forgotten.
 */
async function drain(request: Call["request"]): Promise<void> {
  let bytes = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  request.on("data", (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > DRAINED_BYTES_MAX) resolve();
  });
  request.once("close", resolve);
  request.once("end", resolve);
  request.resume();
  const timer = new AbortController();
  await Promise.race([
    promise,
    delay(DRAIN_MS, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
}
