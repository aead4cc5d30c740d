import { setImmediate } from "node:timers/promises";
import type { OriginResponse } from "../origin/origin.ts";
import type { Body } from "./body.ts";

/**
 * Writes what comes from the origin into a body, as fast as the body takes it, and ends the body.
 * Never rejects: a fetch that broke off is a truncated body. Aborts the fetch when nobody would get
 * any more of it.
 */
export async function pump(
  response: OriginResponse,
  body: Body,
  fetch: AbortController,
  retainedBytesMax = Infinity,
): Promise<void> {
  // Those who waited for the head begin to read first, and no chunk passes them by.
  await setImmediate();
  body.whenUnread(() => fetch.abort());
  try {
    for await (const chunk of response.body) {
      if (body.retained && body.sizeBytes + chunk.length > retainedBytesMax) body.stopRetaining();
      body.append(chunk);
      if (!body.retained) await body.room();
    }
    body.end(isWhole(response, body) ? "whole" : "truncated", response.trailers());
  } catch {
    body.end("truncated");
  }
}

function isWhole(response: OriginResponse, body: Body): boolean {
  return typeof response.length !== "number" || response.length === body.sizeBytes;
}
