import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PurgeList } from "#edge/cache/purges.ts";
import { LISTED_IN_TURN_MAX, SLICE_BYTES } from "#edge/limits.ts";
import { sliceKey } from "#edge/slices/slice-key.ts";
import { type Listed, listStored } from "#edge/stored-listing.ts";
import type { StoredAnswer } from "#feed/message.ts";

const ENDPOINT = "19f06b6a-3ace-4315-b086-499a0e521b76";
const noPause = (): Promise<void> => Promise.resolve();

function stored(target: string, more: Partial<Listed> = {}): Listed {
  return { key: `${ENDPOINT} ${target}`, bytes: 10, tier: "memory", ...more };
}

function list(
  entries: Iterable<Listed>,
  patterns: readonly string[],
  limit = 100,
  purges?: PurgeList,
): Promise<StoredAnswer> {
  const query = { endpointId: ENDPOINT, patterns, limit };
  return listStored(entries, { query, purges, pause: noPause });
}

async function paths(entries: Iterable<Listed>, ...patterns: string[]): Promise<string[]> {
  return (await list(entries, patterns)).entries.map(({ path }) => path);
}

describe("a listing of what an edge has stored", () => {
  const entries = [
    stored("/a.css"),
    stored("/a.css?v=1"),
    stored("/img/a.png", { tags: ["pictures"] }),
    stored("/img/b.png"),
  ];

  const cases = [
    { pattern: "/*", found: ["/a.css", "/a.css?v=1", "/img/a.png", "/img/b.png"] },
    { pattern: "/a.css", found: ["/a.css", "/a.css?v=1"] },
    { pattern: "/a.css?v=1", found: ["/a.css?v=1"] },
    { pattern: "/img/*", found: ["/img/a.png", "/img/b.png"] },
    { pattern: "tag:pictures", found: ["/img/a.png"] },
    { pattern: "/nothing", found: [] },
  ];
  for (const { pattern, found } of cases) {
    test(`has what a purge of ${pattern} would drop`, async () => {
      assert.deepEqual(await paths(entries, pattern), found);
    });
  }

  test("has nothing of another endpoint, whose id may begin alike", async () => {
    const others = [
      { ...stored("/a"), key: `${ENDPOINT}0 /a` },
      { ...stored("/a"), key: "aa34ba1 /a" },
    ];
    assert.deepEqual(await paths(others, "/*"), []);
    const proxied = { ...stored("/a"), key: `${ENDPOINT}/www.example.com /a` };
    assert.deepEqual(await paths([proxied], "/*"), ["/a"]);
  });

  test("names paths as purges compare them", async () => {
    const wire = Buffer.from("/h\u00e9llo*", "utf8").toString("latin1");
    assert.deepEqual(await paths([stored(wire), stored("/%7euser")], "/*"), [
      "/h%C3%A9llo%2A",
      "/~user",
    ]);
  });

  test("adds up the variants and pieces of a path, and counts what both tiers have once", async () => {
    const pieces = [
      stored("/large", { tier: "disk", bytes: 100 }),
      stored("/large", { tier: "disk", bytes: 50 }),
      stored("/large", { bytes: 100 }),
      stored("/empty", { bytes: 0 }),
      stored("/cold", { tier: "disk", bytes: 7 }),
    ];
    assert.deepEqual((await list(pieces, ["/*"])).entries, [
      { path: "/large", bytes: 150, tier: "memory" },
      { path: "/empty", bytes: 0, tier: "memory" },
      { path: "/cold", bytes: 7, tier: "disk" },
    ]);
  });

  test("has of a body in slices its length, and how much of it is there", async () => {
    const length = 2.5 * SLICE_BYTES;
    const slices = { generation: "g", length };
    const slice = (n: number, generation = "g"): Listed => {
      return { ...stored(""), key: sliceKey(generation, n) };
    };
    const film = stored("/film", { bytes: length, slices });
    // Slices are come across before and after what they are of.
    const some = [slice(2), film, slice(0), slice(0, "another")];
    assert.deepEqual((await list(some, ["/*"])).entries, [
      { path: "/film", bytes: length, storedBytes: 1.5 * SLICE_BYTES, tier: "memory" },
    ]);
    assert.equal((await list([film], ["/*"])).entries[0]?.storedBytes, 0);
    const whole = [film, slice(0), slice(1), slice(2), stored("/film", { bytes: 7 })];
    assert.equal((await list(whole, ["/*"])).entries[0]?.storedBytes, length + 7);
  });

  test("has nothing that was purged, though it may still be there", async () => {
    const purges = new PurgeList();
    purges.record(5, ["/purged", "tag:news"]);
    purges.record(6, ["/soft"], true);
    const all = [
      stored("/purged", { purgesCheckedAt: 4 }),
      stored("/purged", { purgesCheckedAt: 5, bytes: 3 }),
      stored("/tagged", { purgesCheckedAt: 4, tags: ["news"] }),
      stored("/soft", { purgesCheckedAt: 4 }),
    ];
    const { entries: found, purges: told } = await list(all, ["/*"], 100, purges);
    assert.deepEqual(
      found.map(({ path, bytes }) => [path, bytes]),
      [
        ["/purged", 3],
        ["/soft", 10],
      ],
    );
    assert.deepEqual(told, [
      { number: 5, pattern: "/purged" },
      { number: 5, pattern: "tag:news" },
      { number: 6, pattern: "/soft", soft: true },
    ]);
  });

  test("ends at its limit of paths, and says so", async () => {
    const many = Array.from({ length: 5 }, (_, index) => stored(`/${index}`));
    const { entries: found, truncated } = await list(many, ["/*"], 3);
    assert.deepEqual([found.length, truncated], [3, true]);
    assert.equal((await list(many, ["/*"], 5)).truncated, false);
    const variants = Array.from({ length: 5 }, () => stored("/one"));
    assert.equal((await list(variants, ["/*"], 1)).truncated, false);
  });

  test("ends when its paths are too long together", async () => {
    const long = Array.from({ length: 100 }, (_, index) =>
      stored(`/${index}${"x".repeat(16_000)}`),
    );
    const { entries: found, truncated } = await list(long, ["/*"]);
    assert(truncated && found.length < 70, String(found.length));
  });

  test("lets others have their turn, however few match", async () => {
    let pauses = 0;
    const pause = async (): Promise<void> => {
      pauses += 1;
    };
    const many = Array.from({ length: 3 * LISTED_IN_TURN_MAX }, () => stored("/a"));
    const query = { endpointId: "other", patterns: ["/*"], limit: 1 };
    await listStored(many, { query, purges: undefined, pause });
    assert.equal(pauses, 3);
  });
});
