import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import { Collector } from "#registry/collector.ts";
import { digestOf, pushImage } from "../support/images.ts";
import { openCollectionWorld } from "./collection-world.ts";

describe("a file that cannot be removed", () => {
  test("is tried again, and keeps neither others nor the collection from their end", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const place = world.place(registry);
    const image = await pushImage(world.content, place, { layers: ["stuck", "free"] });
    await world.repositories.deleteManifest(world.repositoryId(registry), image);
    world.endProtection();
    const { uuid } = await world.start(registry);
    const [stuck, free] = [digestOf("stuck"), digestOf("free")];
    const tried: string[] = [];
    let isMended = false;
    await using collector = new Collector({
      store: world.collections,
      removeFile: async (digest) => {
        tried.push(digest);
        if (digest === stuck && !isMended) throw new Error("EIO: i/o error, unlink");
      },
      clock: manualClock(Number.MAX_SAFE_INTEGER),
      log: createLogger("silent"),
    });
    collector.wake();
    await collector.idle();
    assert.equal(world.collections.find(registry.id, uuid)?.status, "succeeded");
    assert(tried.includes(free));
    assert.deepEqual(world.collections.orphans(10), [stuck], "it is noted still");
    isMended = true;
    collector.wake();
    await collector.idle();
    assert.deepEqual(world.collections.orphans(10), []);
  });
});
