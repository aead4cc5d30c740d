import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { manualClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import { parseDigest } from "#oci/digest.ts";
import type { Collection, CollectionType } from "#registry/collection.ts";
import type { CollectionStore } from "#registry/collection-store.ts";
import { Collector } from "#registry/collector.ts";
import type { Registry } from "#registry/registry.ts";
import { openRegistryWorld, type RegistryWorld } from "./registry-world.ts";

/** Long after every collection was asked for: none of them waits. */
const clock = manualClock(Number.MAX_SAFE_INTEGER);
const log = createLogger("silent");

export const BOTH: CollectionType = "untagged manifests and unreferenced blobs";
export const BLOBS: CollectionType = "unreferenced blobs only";
export const MANIFESTS: CollectionType = "untagged manifests only";

/** A registry world with a collector, and the files that it has removed. */
export interface CollectionWorld extends RegistryWorld {
  readonly removed: readonly string[];
  start(registry: Registry, type?: CollectionType): Promise<Collection>;
  /** Carries out what is waiting, to its end. */
  work(change?: Partial<CollectionStore>): Promise<void>;
  /** A whole collection. */
  collect(registry: Registry, type?: CollectionType): Promise<Collection>;
}

export async function openCollectionWorld(): Promise<CollectionWorld> {
  const world = await openRegistryWorld();
  const removed: string[] = [];
  const start = async (registry: Registry, type: CollectionType = BOTH): Promise<Collection> => {
    const uuid = randomUUID();
    const started = await world.collections.start({ uuid, registryId: registry.id, type });
    assert(started !== "active" && started !== "registry-missing", JSON.stringify(started));
    return started;
  };
  const work = async (change: Partial<CollectionStore> = {}): Promise<void> => {
    const collector = new Collector({
      store: { ...world.collections, ...change },
      removeFile: async (digest) => {
        const parsed = parseDigest(digest);
        assert(parsed !== undefined);
        assert(!world.content.hasBlobRow(parsed), "a file goes after its row");
        removed.push(digest);
      },
      clock,
      log,
    });
    collector.wake();
    await collector.idle();
  };
  return {
    ...world,
    removed,
    start,
    work,
    collect: async (registry, type) => {
      const { uuid } = await start(registry, type);
      await work();
      const ended = world.collections.find(registry.id, uuid);
      assert(ended !== undefined);
      return ended;
    },
  };
}
