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
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  // What came with the head is read with it: then a small body is whole as soon as it is there, and
  // leaves in one write. Of chunks and windows nothing may pass by those who waited for the head.
  const isEager = body.retained && typeof response.length === "number";
  if (!isEager) await setImmediate();
  const beginning = isEager ? body.read() : undefined;
  response.body.read({
    chunk: (chunk) => {
      if (body.retained && body.sizeBytes + chunk.length > retainedBytesMax) body.stopRetaining();
      body.append(chunk);
      if (body.retained) return true;
      void body.room().then(() => response.body.resume());
      return false;
    },
    end: (trailers) => {
      body.end(isWhole(response, body) ? "whole" : "truncated", trailers);
      resolve();
    },
    fail: () => {
      body.end("truncated");
      resolve();
    },
  });
  // Those who waited begin to read in a moment.
  if (isEager && (body.state === "growing" || !body.retained)) await setImmediate();
  beginning?.close();
  // Not from within what the fetch brings: it would end the body that is being written.
  const abort = (): void => queueMicrotask(() => fetch.abort());
  if (body.state === "growing") body.whenUnread(abort);
  await ended;
}

function isWhole(response: OriginResponse, body: Body): boolean {
  return typeof response.length !== "number" || response.length === body.sizeBytes;
}
