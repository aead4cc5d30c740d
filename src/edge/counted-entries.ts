import type { FeedEntry } from "#feed/entry.ts";
import type { EdgeCounters } from "#usage/edge-counters.ts";

/** Tells the counters what the feed has brought. Entries up to `since` were in force before. */
export function countEntries(
  counters: EdgeCounters,
  entries: readonly FeedEntry[],
  since: number,
): void {
  for (const entry of entries) {
    if (entry.kind === "endpoint-delete") counters.forget(entry.id);
    else if (entry.kind === "purge" && entry.number > since) {
      counters.cache.purged(entry.soft === true ? "soft" : "hard");
    }
  }
}
