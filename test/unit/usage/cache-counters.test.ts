import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CacheCounters, CacheUse } from "#usage/cache-counters.ts";
import { CACHE_FAMILIES } from "#usage/cache-family.ts";
import { diskFamilies } from "#usage/disk-families.ts";
import { EdgeCounters } from "#usage/edge-counters.ts";
import { EdgeUsage } from "#usage/edge-usage.ts";
import { metricsText } from "#usage/metrics.ts";
import { ownProcess } from "#usage/own-process.ts";

const use: CacheUse = {
  memory: { objects: 1, bytes: 2, evictions: 3, ghosts: 4 },
  slicesFetched: 5,
  siblings: { answered: 6, failed: 7, broken: 8 },
  disk: {
    read: 19,
    readQuickly: 10,
    readBytes: 20,
    absent: 11,
    corrupt: 12,
    failed: 13,
    skipped: 14,
    written: 15,
    writtenBytes: 21,
    dropped: 16,
    queuedBytes: 17,
    openFiles: 18,
  },
};

/** The lines of `/metrics` for one worker that has counted this. */
function shown(count: (counters: CacheCounters) => void, told?: CacheUse): readonly string[] {
  const counters = new EdgeCounters();
  count(counters.cache);
  const usage = new EdgeUsage();
  const snapshot = counters.snapshot({ cpuSeconds: 0, residentBytes: 0 }, told);
  // As it comes to the parent.
  usage.join(() => undefined).heard(structuredClone(snapshot));
  return metricsText(usage.merged(), ownProcess("1"), diskFamilies(DISK)).split("\n");
}

const DISK = {
  entries: 100,
  bytes: 200,
  evictedEntries: 300,
  evictedBytes: 400,
  scrub: { checked: 55, corrupt: 5 },
  held: true,
};

const counted: readonly {
  readonly what: string;
  readonly count: (counters: CacheCounters) => void;
  readonly line: string;
}[] = [
  {
    what: "an answer of an origin",
    count: (counters) => counters.fetched(304, 20),
    line: 'atoll_edge_origin_fetches_total{result="3xx"} 1',
  },
  {
    what: "how long it took",
    count: (counters) => counters.fetched(200, 20),
    line: 'atoll_edge_origin_fetch_duration_seconds_bucket{outcome="answered",le="0.025"} 1',
  },
  {
    what: "a fetch that failed",
    count: (counters) => counters.fetchFailed("origin-timeout", 30_000),
    line: 'atoll_edge_origin_fetches_total{result="origin-timeout"} 1',
  },
  {
    what: "after how long it failed",
    count: (counters) => counters.fetchFailed("origin-timeout", 30_000),
    line: 'atoll_edge_origin_fetch_duration_seconds_sum{outcome="failed"} 30',
  },
  {
    what: "no time of a client that left",
    count: (counters) => counters.fetchFailed("client-left", 30_000),
    line: 'atoll_edge_origin_fetch_duration_seconds_count{outcome="failed"} 0',
  },
  {
    what: "a body that broke off",
    count: (counters) => counters.brokeOff(),
    line: 'atoll_edge_origin_fetches_total{result="origin-broke-off"} 1',
  },
  {
    what: "a request that waited for another's fetch",
    count: (counters) => counters.collapsed(),
    line: "atoll_edge_collapsed_requests_total 1",
  },
  {
    what: "a revalidation",
    count: (counters) => counters.revalidated("replaced"),
    line: 'atoll_edge_revalidations_total{result="replaced"} 1',
  },
  {
    what: "a stale reply",
    count: (counters) => counters.servedStale("if-error"),
    line: 'atoll_edge_stale_served_total{reason="if-error"} 1',
  },
  {
    what: "a soft purge",
    count: (counters) => counters.purged("soft"),
    line: 'atoll_edge_purges_total{kind="soft"} 1',
  },
  {
    what: "a compression",
    count: (counters) => counters.compressed("zstd", "useless"),
    line: 'atoll_edge_compressions_total{coding="zstd",result="useless"} 1',
  },
];

describe("the metrics of the cache", () => {
  for (const { what, count, line } of counted) {
    test(`count ${what}`, () => {
      const lines = shown(count);
      assert(
        lines.includes(line),
        lines.filter((one) => one.startsWith(line.slice(0, 30))).join("\n"),
      );
    });
  }

  test("have what the tiers and siblings tell, each under its own name", () => {
    const lines = shown(() => undefined, use);
    for (const line of [
      "atoll_edge_memory_objects 1",
      "atoll_edge_memory_bytes 2",
      "atoll_edge_memory_evictions_total 3",
      "atoll_edge_memory_ghosts 4",
      "atoll_edge_slices_fetched_total 5",
      'atoll_edge_sibling_questions_total{result="answered"} 6',
      'atoll_edge_sibling_questions_total{result="failed"} 7',
      'atoll_edge_sibling_questions_total{result="broken"} 8',
      'atoll_edge_disk_reads_total{result="quick"} 10',
      'atoll_edge_disk_reads_total{result="read"} 9',
      'atoll_edge_disk_reads_total{result="absent"} 11',
      'atoll_edge_disk_reads_total{result="corrupt"} 12',
      'atoll_edge_disk_reads_total{result="failed"} 13',
      'atoll_edge_disk_reads_total{result="skipped"} 14',
      'atoll_edge_disk_writes_total{result="written"} 15',
      'atoll_edge_disk_writes_total{result="dropped"} 16',
      "atoll_edge_disk_queued_bytes 17",
      "atoll_edge_disk_open_files 18",
      "atoll_edge_disk_read_bytes_total 20",
      "atoll_edge_disk_written_bytes_total 21",
      "atoll_edge_disk_entries 100",
      "atoll_edge_disk_bytes 200",
      "atoll_edge_disk_evictions_total 300",
      "atoll_edge_disk_evicted_bytes_total 400",
      "atoll_edge_disk_writes_held 1",
      'atoll_edge_disk_scrubbed_total{result="sound"} 50',
      'atoll_edge_disk_scrubbed_total{result="corrupt"} 5',
    ]) {
      assert(lines.includes(line), line);
    }
  });

  test("keep what a worker counted that died, and not what it had stored", async () => {
    const usage = new EdgeUsage();
    const counters = new EdgeCounters();
    counters.cache.collapsed();
    const member = usage.join(() => undefined);
    member.heard(counters.snapshot({ cpuSeconds: 0, residentBytes: 0 }, use));
    member.leave();
    const { cache } = usage.merged();
    assert.deepEqual([cache.collapsed[0], cache.memoryEvictions[0]], [1, 3]);
    assert.deepEqual([cache.memoryObjects[0], cache.diskOpenFiles[0]], [0, 0]);
  });

  test("have names as Prometheus wants them", () => {
    for (const { name, type } of [...Object.values(CACHE_FAMILIES), ...diskFamilies(DISK)]) {
      assert.match(name, /^atoll_edge_[a-z_]+$/);
      assert.equal(name.endsWith("_total"), type === "counter", name);
    }
  });

  test("have none of a disk where there is none", () => {
    assert.deepEqual(diskFamilies(undefined), []);
  });
});
