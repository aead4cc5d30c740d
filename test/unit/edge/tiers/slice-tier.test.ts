import assert from "node:assert/strict";
import { pid } from "node:process";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { DiskTier } from "#edge/disk/disk-tier.ts";
import { localFiles } from "#edge/disk/entry-files.ts";
import { FileBody } from "#edge/disk/file-body.ts";
import { SLICE_BYTES } from "#edge/limits.ts";
import { decodeHead, type KeptHead } from "#edge/tiers/kept-head.ts";
import { SliceTier } from "#edge/tiers/slice-tier.ts";
import { aDisk, type Disk, filesWith } from "../disk/support.ts";

const OCTETS = Buffer.alloc(SLICE_BYTES, "0123456789");

/** A tier of slices over a disk that the test has slow, or not. */
function slicesOn(on: Disk) {
  const monotonic = manualClock(0);
  const budget = new MemoryBudget(16 * SLICE_BYTES);
  const memory = new MemoryStore(budget);
  const state = { isSlow: false };
  let inputs = 0;
  const files = filesWith({
    readNow: (...read) => {
      if (state.isSlow) monotonic.advance(21);
      return localFiles.readNow(...read);
    },
    inputs: () => (inputs += 1),
  });
  const disk = new DiskTier<KeptHead>({
    folder: on.folder,
    slot: 0,
    pid,
    openFilesMax: 10,
    decodeHead,
    clock: { now: () => on.now() + 1_000 },
    monotonic,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    grew: () => undefined,
    files,
  });
  const body = new Body(budget, "retained");
  body.hold();
  body.append(OCTETS);
  body.end("whole");
  const keeper = new SliceTier({ memory, disk, budget }).keeper(() => true);
  return Object.assign(state, { memory, disk, body, keeper });
}

describe("a slice", () => {
  test("that stays in its file is found there by who waits for a slow disk", async () => {
    await using folder = await aDisk();
    const before = slicesOn(folder);
    before.keeper.put("a", before.body);
    await before.disk.close();
    await using stack = new AsyncDisposableStack();
    const slices = slicesOn(folder);
    const { memory, disk, keeper } = stack.adopt(slices, (each) => each.disk.close());
    assert((await keeper.find("a"))?.single()?.equals(OCTETS));
    slices.isSlow = true;
    memory.delete("a");
    assert(keeper.get("a") instanceof Body);
    memory.delete("a");
    assert.equal(keeper.get("a"), "unknown");
    assert((await disk.get("a"))?.body instanceof FileBody);
    assert((await keeper.find("a"))?.single()?.equals(OCTETS));
  });
});
