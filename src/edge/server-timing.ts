import type { CacheResult } from "./cache-status.ts";

/** What a request waited for. */
export interface ServerTiming {
  /** From the fetch's request to the origin's response head, in milliseconds. */
  readonly originMs: number;
}

/**
 * The Server-Timing field (W3C Server Timing §3): how the cache answered, and what the origin took.
 * A hit has no duration: it takes less than such a number can say.
 */
export function serverTiming(cache: CacheResult, timing: ServerTiming | undefined): string {
  const origin = timing === undefined ? "" : `, origin;dur=${Math.max(0, timing.originMs)}`;
  return `cache;desc=${cache}${origin}`;
}
