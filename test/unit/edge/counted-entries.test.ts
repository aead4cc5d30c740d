import assert from "node:assert/strict";
import { test } from "node:test";
import { countEntries } from "#edge/counted-entries.ts";
import type { FeedEntry } from "#feed/entry.ts";
import { EdgeCounters } from "#usage/edge-counters.ts";

test("entries of the feed count as purges once, and end the series of endpoints", () => {
  const counters = new EdgeCounters();
  counters.endpoint("e1");
  const purge = { kind: "purge", id: "e2", patterns: ["/a"] } as const;
  const entries: readonly FeedEntry[] = [
    // The snapshot had it already.
    { ...purge, number: 5 },
    { ...purge, number: 6 },
    { ...purge, number: 7, soft: true },
    { ...purge, number: 8, soft: false },
    { kind: "endpoint-delete", number: 9, id: "e1" },
  ];
  countEntries(counters, entries, 5);
  const { cache, endpoints } = counters.snapshot({ cpuSeconds: 0, residentBytes: 0 });
  assert.deepEqual([...cache.purges], [2, 1]);
  assert(!endpoints.has("e1"));
});
