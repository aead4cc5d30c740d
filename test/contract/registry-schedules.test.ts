import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import { runSchedules } from "#registry/scheduler.ts";
import { openRegistryWorld } from "./registry-world.ts";

describe("schedules of collections", () => {
  test("hold up no other when one of them cannot be carried out", async () => {
    await using world = await openRegistryWorld();
    const account = await world.account();
    const schedule = { everyHours: 1, type: "untagged manifests only" } as const;
    const [broken, sound] = [
      await world.registry(account, "broken"),
      await world.registry(account, "sound"),
    ];
    for (const { id } of [broken, sound]) await world.registrySettings.change(id, { schedule });
    let wakes = 0;
    await runSchedules({
      settings: world.registrySettings,
      collections: world.collections,
      retainer: {
        apply: async (id) => {
          if (id === broken.id) throw new Error("the disk cannot be read");
          return 0;
        },
      },
      wake: () => {
        wakes += 1;
      },
      clock: manualClock(0),
      log: createLogger("silent"),
    });
    assert.equal(world.collections.latest(broken.id), undefined);
    assert.equal(world.collections.latest(sound.id)?.status, "requested");
    assert.equal(wakes, 1);
  });
});
