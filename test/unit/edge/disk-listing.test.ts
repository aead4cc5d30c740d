import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DiskKeeper } from "#edge/disk/disk-keeper.ts";
import type { ListedEntry, ListingEnd, ListingTerms } from "#edge/disk/list-entries.ts";
import { listOnDisk } from "#edge/disk-listing.ts";
import { SLICE_BYTES } from "#edge/limits.ts";
import { sliceKey } from "#edge/slices/slice-key.ts";
import { encodeSlice, encodeVaries } from "#edge/tiers/kept-head.ts";

const ENDPOINT = "19f06b6a-3ace-4315-b086-499a0e521b76";

/** As much of a response's head as a listing looks at. */
function head(more: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ lines: "", tags: [], purgesCheckedAt: 0, ...more }));
}

type Entry = Pick<ListedEntry, "key" | "head" | "bodyBytes">;

function entry(target: string, octets: Buffer = head(), bodyBytes = 10): Entry {
  return { key: `${ENDPOINT} ${target}`, head: octets, bodyBytes };
}

interface Kept extends Pick<DiskKeeper, "list"> {
  /** Heads that it gave. */
  read: number;
  ended: boolean;
}

/** A keeper of these entries, whose listing ends so. */
function keeper(entries: readonly Entry[], end: ListingEnd = "all"): Kept {
  const kept: Kept = {
    read: 0,
    ended: false,
    list: async function* list({ matches }: ListingTerms) {
      try {
        for (const one of entries) {
          if (!matches(one.key, one.head)) continue;
          kept.read += 1;
          yield { ...one, diskBytes: 4_096 };
        }
        return end;
      } finally {
        kept.ended = true;
      }
    },
  };
  return kept;
}

const query = { endpointId: ENDPOINT, patterns: ["/*"], limit: 100 };

describe("a listing of what is on disk", () => {
  test("has each path once, with the octets of all its variants", async () => {
    const entries = [entry("/a"), entry("/b\naccept-language=de"), entry("/b\naccept-language=en")];
    assert.deepEqual(await listOnDisk(keeper(entries), query, []), {
      entries: [
        { path: "/a", bytes: 10, tier: "disk" },
        { path: "/b", bytes: 20, tier: "disk" },
      ],
      truncated: false,
      purges: [],
    });
  });

  test("has neither what is another endpoint's, nor what says by what a resource varies", async () => {
    const other = { ...entry("/a"), key: "other /a" };
    const varies = entry("/b", encodeVaries({ names: ["accept-language"], generation: "g" }), 0);
    assert.deepEqual((await listOnDisk(keeper([other, varies]), query, [])).entries, []);
  });

  test("reads only the heads that it needs: those of the paths, or for tags all", async () => {
    const entries = [
      entry("/css/a"),
      entry("/js/a"),
      entry("/img/a", head({ tags: ["pictures"] })),
    ];
    const byPath = keeper(entries);
    await listOnDisk(byPath, { ...query, patterns: ["/css/*"] }, []);
    assert.equal(byPath.read, 1);
    const byTag = keeper(entries);
    const found = await listOnDisk(byTag, { ...query, patterns: ["tag:pictures"] }, []);
    assert.deepEqual([found.entries.map(({ path }) => path), byTag.read], [["/img/a"], 3]);
  });

  test("has nothing that was purged since it was written", async () => {
    const entries = [
      entry("/old", head({ purgesCheckedAt: 3 })),
      entry("/new", head({ purgesCheckedAt: 4 })),
    ];
    const purges = [{ number: 4, pattern: "/*" }];
    const found = await listOnDisk(keeper(entries), query, purges);
    assert.deepEqual(
      found.entries.map(({ path }) => path),
      ["/new"],
    );
  });

  test("says how much there is of a body in slices", async () => {
    const length = 3 * SLICE_BYTES;
    const slices = { generation: "g", length, validator: '"a"' };
    const slice = { key: sliceKey("g", 1), head: encodeSlice(), bodyBytes: SLICE_BYTES };
    const film = entry("/film", head({ contentLength: length, slices }), 0);
    assert.deepEqual((await listOnDisk(keeper([film, slice]), query, [])).entries, [
      { path: "/film", bytes: length, storedBytes: SLICE_BYTES, tier: "disk" },
    ]);
  });

  test("ends at its limit, and says when it had to end", async () => {
    const many = keeper([entry("/1"), entry("/2"), entry("/3")]);
    const limited = await listOnDisk(many, { ...query, limit: 2 }, []);
    assert.deepEqual([limited.entries.length, limited.truncated], [2, true]);
    assert(many.ended, "the keeper goes on reading");
    assert.equal((await listOnDisk(keeper([entry("/1")], "time"), query, [])).truncated, true);
  });
});
