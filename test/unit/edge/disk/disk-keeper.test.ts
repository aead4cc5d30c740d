import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { DiskKeeper } from "#edge/disk/disk-keeper.ts";
import { localFolders } from "#edge/disk/entry-folders.ts";
import { until } from "../../../support/until.ts";
import { aDisk, contentOf, type Disk, filesWith, systemError, textOf } from "./support.ts";

const KIB = 1024;

/** Stores entries that take 4 KiB each, the first the oldest, each a minute older than the next. */
async function storeAges(disk: Disk, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `key ${i}`);
  await disk.store(...keys.map((key) => [key, "head", "body"] as const));
  for (const [i, key] of keys.entries()) {
    const used = new Date(disk.now() - (count - i) * 60_000);
    await utimes(disk.pathOf(key), used, used);
  }
  return keys;
}

/** Goes round all folders once. */
async function round(keeper: DiskKeeper): Promise<void> {
  for (let i = 0; i < 256; i += 1) await keeper.visit();
}

/** Which of these are still stored. */
async function stored(disk: Disk, keys: readonly string[]): Promise<string[]> {
  const found = await Promise.all(keys.map((key) => contentOf(disk.pathOf(key))));
  return keys.filter((_, i) => found[i] !== undefined);
}

describe("the keeper of the disk tier", () => {
  test("makes the folder, and clears up after workers that are gone, and after nobody else", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "head", "body"]);
    await mkdir(`${disk.root}/tmp-3-4711`);
    await writeFile(`${disk.root}/tmp-3-4711/1`, "unfinished");
    await writeFile(`${disk.root}/notes.txt`, "somebody's");
    await disk.keeper().prepare();
    const names = (await readdir(disk.root)).filter((name) => !/^[0-9a-f]{2}$/.test(name));
    assert.deepEqual(names, ["notes.txt"]);
    assert.equal(textOf(await disk.tier().get("a")), "head: body");
    const empty = disk.keeper({ folder: `${disk.folder}/not/yet/there` });
    await empty.prepare();
    assert.deepEqual(await readdir(`${disk.folder}/not/yet/there`), ["v1"]);
  });

  test("knows how much is stored when it has gone round, and what was written since", async () => {
    await using disk = await aDisk();
    await storeAges(disk, 20);
    const keeper = disk.keeper();
    assert.equal(keeper.stats().bytes, 0);
    await round(keeper);
    assert.equal(keeper.stats().entries, 20);
    assert.equal(keeper.stats().bytes, 80 * KIB);
    keeper.grew(256 * KIB);
    assert.equal(keeper.stats().bytes, 336 * KIB);
    await round(keeper);
    assert.equal(keeper.stats().bytes, 80 * KIB);
  });

  test("knows about how much is stored before that: folders are alike", async () => {
    await using disk = await aDisk();
    await storeAges(disk, 600);
    const keeper = disk.keeper();
    for (let i = 0; i < 64; i += 1) await keeper.visit();
    const { entries } = keeper.stats();
    assert(entries > 400 && entries < 800, `${entries} entries`);
  });

  test("evicts the least recently used until 95 % of the limit are left", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 100);
    const keeper = disk.keeper({ bytesMax: 80 * 4 * KIB });
    for (let i = 0; i < 3; i += 1) await round(keeper);
    assert.deepEqual(await stored(disk, keys), keys.slice(24));
    const { bytes, evictedEntries, evictedBytes } = keeper.stats();
    assert.deepEqual(
      { bytes, evictedEntries, evictedBytes },
      {
        bytes: 76 * 4 * KIB,
        evictedEntries: 24,
        evictedBytes: 24 * 4 * KIB,
      },
    );
  });

  test("evicts from a sample of hundreds the oldest of it, which are nearly the oldest of all", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 1_500);
    const keeper = disk.keeper({ bytesMax: 1_350 * 4 * KIB });
    for (let i = 0; i < 3; i += 1) await round(keeper);
    const left = new Set(await stored(disk, keys));
    assert.equal(left.size, Math.floor(1_350 * 0.95));
    const young = keys.slice(750);
    assert(
      young.every((key) => left.has(key)),
      "the younger half is all there",
    );
  });

  test("does not evict what is used", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 100);
    disk.advance(3_600_000);
    const tier = disk.tier();
    for (const key of keys.slice(0, 10)) await tier.get(key);
    await tier.close();
    const keeper = disk.keeper({ bytesMax: 80 * 4 * KIB });
    for (let i = 0; i < 3; i += 1) await round(keeper);
    assert.deepEqual(await stored(disk, keys), [...keys.slice(0, 10), ...keys.slice(34)]);
  });

  test("evicts nothing below the limit, and never what is not its own", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 10);
    const foreign = `${disk.root}/00/README`;
    await mkdir(`${disk.root}/00`, { recursive: true });
    await writeFile(foreign, Buffer.alloc(100 * KIB));
    await utimes(foreign, 0, 0);
    await round(disk.keeper({ bytesMax: 40 * KIB }));
    assert.deepEqual(await stored(disk, keys), keys);
    const stricter = disk.keeper({ bytesMax: 1 });
    for (let i = 0; i < 2; i += 1) await round(stricter);
    assert.deepEqual(await stored(disk, keys), []);
    assert.notEqual(await contentOf(foreign), undefined);
  });

  test("leaves free space to others, and has workers write nothing while there is too little", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 10);
    const holds: boolean[] = [];
    const keeper: DiskKeeper = disk.keeper({
      folders: {
        ...localFolders,
        // 19 KiB of 380 are for others, and what was evicted is free.
        space: () =>
          Promise.resolve({ freeBytes: keeper.stats().evictedBytes, sizeBytes: 380 * KIB }),
      },
      hold: (held) => holds.push(held),
    });
    await keeper.visit();
    assert.deepEqual(holds, [true]);
    assert.equal(keeper.stats().held, true);
    for (let i = 0; i < 3; i += 1) await round(keeper);
    assert.deepEqual(await stored(disk, keys), keys.slice(5));
    assert.deepEqual(holds, [true, false]);
    assert.equal(disk.lines[0]?.message, "disk writes are held: it is too full");
  });

  test("goes on by itself, sooner when a worker tells of more than there may be", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 10);
    const keeper = disk.keeper({ bytesMax: 40 * KIB });
    keeper.start();
    await until("it has gone round", () => keeper.stats().bytes === 40 * KIB);
    await disk.store(["one more", "head", "body"]);
    keeper.grew(4 * KIB);
    await until("it has evicted", () => keeper.stats().evictedEntries > 0);
    await keeper.close();
    assert(!(await stored(disk, keys)).includes("key 0"));
  });

  test("says when it cannot look at the folder, and goes on", async () => {
    await using disk = await aDisk();
    const names = (): Promise<never> => Promise.reject(systemError("EIO"));
    const keeper = disk.keeper({ folders: { ...localFolders, names } });
    keeper.start();
    await until("both have said so", () => disk.lines.length === 2);
    await keeper.close();
    assert.deepEqual(
      new Set(disk.lines.map(({ message }) => message)),
      new Set(["disk folder cannot be looked at", "disk read failed"]),
    );
  });
});

describe("the scrub", () => {
  test("reads every entry in its turn, and removes and logs what is corrupt", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 20);
    const path = disk.pathOf("key 7");
    const decayed = await readFile(path);
    decayed[decayed.length - 1] = 0;
    await writeFile(path, decayed);
    const keeper = disk.keeper();
    for (let i = 0; i < 256 + 20; i += 1) await keeper.scrubNext();
    assert.deepEqual(keeper.stats().scrub, { checked: 20, corrupt: 1 });
    assert.equal(disk.lines[0]?.["reason"], "wrong checksum of the body");
    assert.deepEqual(await stored(disk, keys), keys.toSpliced(7, 1));
  });

  test("removes what is under another name than its key's", async () => {
    await using disk = await aDisk();
    await storeAges(disk, 2);
    await copyFile(disk.pathOf("key 0"), disk.pathOf("key 1"));
    const keeper = disk.keeper();
    for (let i = 0; i < 256 + 2; i += 1) await keeper.scrubNext();
    assert.equal(disk.lines[0]?.["reason"], "another key");
    assert.deepEqual(await stored(disk, ["key 0", "key 1"]), ["key 0"]);
  });

  test("rests after what it has read, at 1 MiB a second and 100 files", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "", Buffer.alloc(1_048_576 - 33)]);
    const keeper = disk.keeper();
    const rests = new Set<number>();
    for (let i = 0; i < 257; i += 1) rests.add(await keeper.scrubNext());
    assert.deepEqual(rests, new Set([1_000]));
    await disk.store(["a", "", ""]);
    for (let i = 0; i < 257; i += 1) rests.add(await keeper.scrubNext());
    assert.deepEqual(rests, new Set([1_000, 10]));
  });
});

describe("a listing of entries", () => {
  const all = { matches: () => true, entriesMax: 1_000, timeMs: 1_000 };

  test("has keys, heads and sizes of those that match", async () => {
    await using disk = await aDisk();
    await disk.store(["a", "x", Buffer.alloc(5_000)], ["b", "y", "body"], ["c", "x", "body"]);
    const matches = (key: string, head: Buffer): boolean => key === "a" || head.toString() === "y";
    const entries = await Array.fromAsync(disk.keeper().list({ ...all, matches }));
    assert.deepEqual(
      entries.toSorted((a, b) => a.bodyBytes - b.bodyBytes),
      [
        { key: "b", head: Buffer.from("y"), bodyBytes: 4, diskBytes: 4_096 },
        { key: "a", head: Buffer.from("x"), bodyBytes: 5_000, diskBytes: 8_192 },
      ],
    );
  });

  test("ends when all were looked at, enough were found, or it takes too long, and says which", async () => {
    await using disk = await aDisk();
    const keys = await storeAges(disk, 20);
    const endOf = async (terms: Partial<typeof all>, keeper = disk.keeper()) => {
      const listing = keeper.list({ ...all, ...terms });
      for (let listed = 0; ; listed += 1) {
        const { value, done } = await listing.next();
        if (done === true) return [listed, value];
      }
    };
    assert.deepEqual(await endOf({}), [keys.length, "all"]);
    assert.deepEqual(await endOf({ entriesMax: keys.length }), [keys.length, "all"]);
    assert.deepEqual(await endOf({ entriesMax: 5 }), [5, "limit"]);
    const passing = (): boolean => {
      disk.advance(600);
      return false;
    };
    assert.deepEqual(await endOf({ matches: passing }), [0, "time"]);
  });

  test("leaves out what cannot be read", async () => {
    await using disk = await aDisk();
    await storeAges(disk, 3);
    await writeFile(disk.pathOf("key 1"), "not an entry");
    const entries = await Array.fromAsync(disk.keeper().list(all));
    assert.deepEqual(entries.map(({ key }) => key).toSorted(), ["key 0", "key 2"]);
    const broken = filesWith({ open: () => Promise.reject(systemError("EIO")) });
    assert.deepEqual(await Array.fromAsync(disk.keeper({ files: broken }).list(all)), []);
  });
});
