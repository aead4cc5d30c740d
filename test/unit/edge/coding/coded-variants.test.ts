import assert from "node:assert/strict";
import { pid } from "node:process";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { brotliDecompressSync } from "node:zlib";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { PurgeList } from "#edge/cache/purges.ts";
import { type StoredResponse, storedResponse } from "#edge/cache/stored-response.ts";
import { CodedVariants } from "#edge/coding/coded-variants.ts";
import { DiskTier } from "#edge/disk/disk-tier.ts";
import { fieldIn } from "#edge/fields.ts";
import { decodeHead, type KeptHead } from "#edge/tiers/kept-head.ts";
import { Tiers } from "#edge/tiers/tiers.ts";
import { wholeBody } from "#edge/tiers/whole-body.ts";
import { CacheCounters } from "#usage/cache-counters.ts";
import { aDisk, type Disk } from "../disk/support.ts";
import { TEXT, watchEncoders, words } from "./support.ts";

const MIB = 1024 * 1024;
const NOW = Date.UTC(2026, 10, 22, 12);
const WANTED = { key: "id /a", fields: [] };
let workers = 0;

/** A worker with nothing in memory, on this disk. */
function aWorker(disk: Disk) {
  workers += 1;
  const budget = new MemoryBudget(64 * MIB);
  const memory = new MemoryStore(budget);
  const errors: unknown[] = [];
  const note = (): void => undefined;
  const log = { info: note, warn: note, error: (fields: unknown) => void errors.push(fields) };
  const tier = new DiskTier<KeptHead>({
    folder: disk.folder,
    slot: workers,
    pid,
    openFilesMax: 100,
    decodeHead,
    clock: { now: () => disk.now() },
    monotonic: { now: () => 0 },
    log,
    grew: note,
  });
  const tiers = new Tiers({ memory, disk: tier, budget });
  const variants = new CodedVariants({ tiers, budget, counters: new CacheCounters(), log });
  return {
    tiers,
    memory,
    budget,
    variants,
    tier,
    errors,
    /** Stores a response that is not coded, as a fill does. */
    store: (text: string, etag: string): StoredResponse => {
      const body = wholeBody(Buffer.from(text), budget);
      assert(body !== undefined);
      const fields = ["content-type", "text/plain", "etag", etag];
      const stored = storedResponse(
        { status: 200, fields, requestTime: NOW, responseTime: NOW },
        {
          key: WANTED.key,
          body,
          contentLength: text.length,
          purgesCheckedAt: 1,
          selecting: [],
          role: "space",
        },
      );
      tiers.put(stored);
      return stored;
    },
    /** What a worker that starts finds on disk. */
    found: async (): Promise<StoredResponse> => {
      const stored = await tiers.find(WANTED);
      assert(stored !== undefined);
      return stored;
    },
    [Symbol.asyncDispose]: () => tier.close(),
  };
}

function textOf(coded: StoredResponse | undefined): string {
  const octets = coded?.body.single();
  assert(octets !== undefined);
  return brotliDecompressSync(octets).toString();
}

/** A disk on which a worker has left a response and its variant. */
async function aDiskWithVariant(): Promise<Disk> {
  const disk = await aDisk();
  await using worker = aWorker(disk);
  const coded = await worker.variants.make(worker.store(TEXT, '"1"'), "br", undefined);
  assert.equal(textOf(coded), TEXT);
  return disk;
}

describe("a coded variant on disk", () => {
  test("is what the next worker sends, and need not be made again", async (context) => {
    await using disk = await aDiskWithVariant();
    const encoders = watchEncoders(context);
    await using worker = aWorker(disk);
    const identity = await worker.found();
    assert.equal(worker.variants.get(identity, "br"), undefined);
    const coded = await worker.variants.make(identity, "br", undefined);
    assert.equal(textOf(coded), TEXT);
    assert.equal(coded?.contentLength, coded?.body.sizeBytes);
    assert.equal(fieldIn(coded?.section.text ?? "", "content-encoding"), "br");
    // From now on it is in memory, and known to be the right one.
    assert.equal(worker.variants.get(identity, "br"), coded);
    assert.deepEqual([encoders.made, worker.errors], [0, []]);
    await worker.tier.close();
    assert.equal(worker.tier.stats().written, 0);
  });

  test("takes over the head of what it was made of, if that has come again since", async (context) => {
    await using disk = await aDiskWithVariant();
    const encoders = watchEncoders(context);
    await using worker = aWorker(disk);
    const identity = worker.store(TEXT, '"2"');
    const coded = await worker.variants.make(identity, "br", undefined);
    assert.equal(fieldIn(coded?.section.text ?? "", "etag"), 'W/"2"');
    assert.equal(textOf(coded), TEXT);
    assert.equal(worker.variants.get(identity, "br"), coded);
    assert.equal(encoders.made, 0);
  });

  test("is not that of other octets, whatever is said of them", async (context) => {
    await using disk = await aDiskWithVariant();
    const encoders = watchEncoders(context);
    await using worker = aWorker(disk);
    const others = words(TEXT.length + 1).slice(1);
    const coded = await worker.variants.make(worker.store(others, '"1"'), "br", undefined);
    assert.equal(textOf(coded), others);
    assert.equal(encoders.made, 1);
  });

  test("is gone with a purge, though what it was made of came again", async (context) => {
    await using disk = await aDiskWithVariant();
    const encoders = watchEncoders(context);
    await using worker = aWorker(disk);
    const identity = worker.store(TEXT, '"1"');
    const purges = new PurgeList();
    purges.record(2, ["/a"]);
    assert.equal(textOf(await worker.variants.make(identity, "br", purges)), TEXT);
    assert.equal(encoders.made, 1);
  });
});

describe("a coded variant in memory", () => {
  test("has a place of its own, which what it was made of does not touch", async () => {
    await using disk = await aDisk();
    await using worker = aWorker(disk);
    const identity = worker.store(TEXT, '"1"');
    await worker.variants.make(identity, "br", undefined);
    await worker.variants.make(identity, "gzip", undefined);
    assert.deepEqual(
      Array.from(worker.memory.entries(), ({ key }) => key),
      ["id /a", "id /a\n:br", "id /a\n:gzip"],
    );
    assert.equal(worker.tiers.get(WANTED), identity);
  });

  test("is not that of a response which has taken the place of what it was made of", async () => {
    await using disk = await aDisk();
    await using worker = aWorker(disk);
    await worker.variants.make(worker.store(TEXT, '"1"'), "br", undefined);
    const replaced = worker.store(words(9_999), '"1"');
    assert.equal(worker.variants.get(replaced, "br"), undefined);
  });

  test("gives back what it was made of, and what it took to make it", async () => {
    await using disk = await aDisk();
    await using worker = aWorker(disk);
    const identity = worker.store(TEXT, '"1"');
    await worker.variants.make(identity, "br", undefined);
    await nextTurn();
    assert.equal(worker.budget.heldFor("store"), worker.budget.used);
    for (const { key } of worker.memory.entries()) worker.memory.delete(key);
    assert.equal(worker.budget.used, 0);
  });
});
