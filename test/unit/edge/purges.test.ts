import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PurgeList, survivesPurges } from "#edge/cache/purges.ts";

describe("an endpoint's purges", () => {
  test("drop what was fetched before them, and nothing fetched since", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a", "/b/*"]);
    assert(purges.drops("/a", 4));
    assert(purges.drops("/a?v=1", 4));
    assert(purges.drops("/b/c", 4));
    assert(!purges.drops("/c", 4));
    assert(!purges.drops("/a", 5));
  });

  test("are remembered by the newest number when a pattern comes again", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a", "/b*"]);
    purges.record(9, ["/a", "/b*"]);
    assert(purges.drops("/a", 8));
    assert(purges.drops("/b", 8));
  });

  test("of everything replace all before them", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a"]);
    purges.record(6, ["/*"]);
    assert(purges.drops("/x", 5));
    assert(!purges.drops("/a", 6));
  });

  test("past their limit become purges of everything, oldest first", () => {
    const purges = new PurgeList();
    for (let number = 1; number <= 2_002; number += 1) {
      purges.record(number, [number % 2 === 0 ? `/${number}` : `/${number}/*`]);
    }
    assert(purges.drops("/anything", 1));
    assert(!purges.drops("/anything", 2));
    assert(purges.drops("/3/x", 2));
    assert(purges.drops("/2002", 2_001));
  });

  test("are compared once with what survives them", () => {
    const purges = new PurgeList();
    purges.record(5, ["/a"]);
    const stored = { purgesCheckedAt: 1 };
    assert(survivesPurges(purges, "/b", stored));
    assert.equal(stored.purgesCheckedAt, 5);
    assert(!survivesPurges(purges, "/a", { purgesCheckedAt: 4 }));
    assert(survivesPurges(undefined, "/a", { purgesCheckedAt: 0 }));
  });
});
