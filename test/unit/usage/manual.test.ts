import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CACHE_FAMILIES } from "#usage/cache-family.ts";
import { diskFamilies } from "#usage/disk-families.ts";
import { EDGE_FAMILIES, ENDPOINT_FAMILIES } from "#usage/family.ts";

const manual = readFileSync(join(import.meta.dirname, "../../../docs/operating.md"), "utf8");

test("docs/operating.md tells of each metric of the edge, and of no other", () => {
  const scrub = { checked: 0, corrupt: 0 };
  const none = { entries: 0, bytes: 0, evictedEntries: 0, evictedBytes: 0, held: false };
  const names = [
    ...Object.values(ENDPOINT_FAMILIES),
    ...Object.values(EDGE_FAMILIES),
    ...Object.values(CACHE_FAMILIES),
    ...diskFamilies({ ...none, scrub }),
  ].map(({ name }) => name);
  const told = new Set(manual.match(/\batoll_edge_[a-z_]+\b/g));
  assert.deepEqual([...told].toSorted(), [...names, "atoll_edge_workers"].toSorted());
});
