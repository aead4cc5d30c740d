import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pid } from "node:process";
import { describe, test } from "node:test";
import { monotonicClock, systemClock } from "#clock.ts";
import { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { type StoredResponse, storedResponse } from "#edge/cache/stored-response.ts";
import { DiskTier } from "#edge/disk/disk-tier.ts";
import { decodeHead, type KeptHead } from "#edge/tiers/kept-head.ts";
import { Tiers } from "#edge/tiers/tiers.ts";

const WANTED = { key: "id /a", fields: [] };

interface TiersUnderTest extends AsyncDisposable {
  readonly tiers: Tiers;
  readonly disk: DiskTier<KeptHead>;
  response(text: string): StoredResponse;
}

function tiersOver(folder: string): TiersUnderTest {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const budget = new MemoryBudget(16 * 1024 * 1024);
  const disk = new DiskTier<KeptHead>({
    folder,
    slot: 0,
    pid,
    openFilesMax: 10,
    decodeHead,
    clock: systemClock,
    monotonic: monotonicClock,
    log,
    grew: () => undefined,
  });
  return {
    tiers: new Tiers({ memory: new MemoryStore(budget), disk, budget }),
    disk,
    response: (text) => {
      const body = new Body(budget, "retained");
      body.hold();
      body.append(Buffer.from(text));
      body.end("whole");
      const head = { status: 200, fields: ["etag", '"a"'], requestTime: 0, responseTime: 0 };
      const as = { contentLength: text.length, purgesCheckedAt: 0, selecting: [] };
      return storedResponse(head, { key: WANTED.key, body, role: "space", ...as });
    },
    [Symbol.asyncDispose]: () => disk.close(),
  };
}

/** A folder in which one response is stored. */
async function storedFolder(text: string): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "atoll-tiers-"));
  await using first = tiersOver(folder);
  first.tiers.put(first.response(text));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

function textOf(stored: StoredResponse | undefined): string | undefined {
  return stored?.body.single()?.toString();
}

describe("what is looked for on disk", () => {
  test("is found, and is in memory then", async () => {
    await using stored = await storedFolder("old");
    await using under = tiersOver(stored.folder);
    assert.equal(under.tiers.get(WANTED), undefined);
    const found = await under.tiers.find(WANTED);
    assert.equal(textOf(found), "old");
    assert.equal(under.tiers.get(WANTED), found);
  });

  test("is one for all who look for it at one time", async () => {
    await using stored = await storedFolder("old");
    await using under = tiersOver(stored.folder);
    const found = await Promise.all([1, 2, 3].map(() => under.tiers.find(WANTED)));
    assert.equal(new Set(found).size, 1);
    assert.equal(under.disk.stats().read, 1);
  });

  test("does not take the place of what has been stored meanwhile", async () => {
    await using stored = await storedFolder("old");
    await using under = tiersOver(stored.folder);
    const looking = under.tiers.find(WANTED);
    const newer = under.response("new");
    under.tiers.put(newer);
    assert.equal(await looking, newer);
    assert.equal(under.tiers.get(WANTED), newer);
  });

  test("is not found where it has been dropped meanwhile", async () => {
    await using stored = await storedFolder("old");
    await using under = tiersOver(stored.folder);
    const looking = under.tiers.find(WANTED);
    under.tiers.deleteAll(WANTED.key);
    assert.equal(await looking, undefined);
    assert.equal(under.tiers.get(WANTED), undefined);
  });

  test("is as fast as memory while it is on its way to the disk", async () => {
    await using stored = await storedFolder("old");
    await using under = tiersOver(stored.folder);
    const newer = under.response("new");
    under.tiers.put(newer);
    const quick = under.tiers.getQuick(WANTED);
    assert(quick !== "unknown");
    assert.equal(textOf(quick), "new");
  });
});
