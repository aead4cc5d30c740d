import { ORIGIN_IDLE_MARGIN_MS, ORIGIN_IDLE_TIMEOUT_MAX_MS } from "./limits.ts";
import type { ReceivedHead } from "./received-head.ts";

/**
 * For how long a connection may wait for its next request after this response, all of which has come; 0:
 * it is not to be used again. `usualMs` is for origins that do not say.
 */
export function idleTimeMs(
  { persists, status, length, keepAlive }: Omit<ReceivedHead, "fields">,
  usualMs: number,
): number {
  if (!persists) return 0;
  // RFC 9110 §8.6: who says that a 204 has content may send it, in front of the next response.
  if (status === 204 && length !== "close-delimited" && length !== 0) return 0;
  const [, seconds] = /\btimeout=(\d{1,6})/i.exec(keepAlive ?? "") ?? [];
  if (seconds === undefined) return usualMs;
  const saidMs = Number(seconds) * 1_000 - ORIGIN_IDLE_MARGIN_MS;
  return Math.max(0, Math.min(saidMs, ORIGIN_IDLE_TIMEOUT_MAX_MS));
}
