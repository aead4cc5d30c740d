import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CollectionStore } from "#registry/collection-store.ts";
import type { Registry } from "#registry/registry.ts";
import {
  digestOf,
  indexText,
  manifestText,
  placeOf,
  pushBlob,
  pushImage,
  pushManifest,
} from "../support/images.ts";
import { BOTH, type CollectionWorld, openCollectionWorld } from "./collection-world.ts";

const HOUR_MS = 3_600_000;

async function openRegistry(): Promise<{
  readonly world: CollectionWorld;
  readonly registry: Registry;
}> {
  const world = await openCollectionWorld();
  return { world, registry: await world.registry(await world.account()) };
}

function keeps(world: CollectionWorld, registry: Registry, text: string): boolean {
  const { rows } = world.repositories.pageOfManifests(world.repositoryId(registry), 0, 100);
  return rows.some(({ digest }) => digest === digestOf(text));
}

describe("a garbage collection does not remove", () => {
  test("what is pushed between its marking and its sweeping", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    await pushImage(world.content, place, { tags: ["first"] });
    await world.start(registry, BOTH);
    const image = { layers: ["during"], tags: ["during"] };
    await world.work({
      removeBlobs: async (uuid, cursor, limit) => {
        await pushImage(world.content, place, image);
        return world.collections.removeBlobs(uuid, cursor, limit);
      },
    });
    assert.equal(keeps(world, registry, manifestText(image)), true);
    assert.deepEqual(world.removed, []);
  });

  test("a blob whose manifest is yet to come", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    await pushBlob(world.content, place, "{}");
    await pushBlob(world.content, place, "layer");
    await world.collect(registry);
    await pushManifest(world.content, place, manifestText({ layers: ["layer"] }), ["v1"]);
    assert.deepEqual(world.removed, []);
  });

  test("a blob that a HEAD has just found; and a HEAD finds none that was removed", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    const [found, gone] = [
      await pushBlob(world.content, place, "found"),
      await pushBlob(world.content, place, "gone"),
    ];
    world.endProtection();
    const until = Date.now() + HOUR_MS;
    assert.equal(await world.content.protectBlob(place, found, until), true);
    await world.collect(registry);
    assert.deepEqual(world.removed, [gone]);
    assert.equal(await world.content.protectBlob(place, gone, until), false);
  });

  test("a blob that another push with the same token still needs", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    const [mine, theirs] = [{ layers: ["layer"], tags: ["mine"] }, { layers: ["layer", "more"] }];
    for (const text of ["{}", "layer", "more", "{}", "layer"]) {
      await pushBlob(world.content, place, text);
    }
    await pushManifest(world.content, place, manifestText(mine), mine.tags);
    const digest = digestOf(manifestText(mine));
    await world.content.deleteReference(place, { kind: "digest", digest });
    await world.collect(registry);
    await pushManifest(world.content, place, manifestText(theirs), ["theirs"]);
    assert.deepEqual(world.removed, []);
  });

  test("a manifest that a HEAD has just found, though it has no tag", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    const child = { layers: ["amd64"] };
    await pushImage(world.content, place, child);
    world.endProtection();
    const digest = digestOf(manifestText(child));
    const until = Date.now() + HOUR_MS;
    const repositoryId = world.repositoryId(registry);
    assert.equal(world.content.isFreeManifest(repositoryId, digest, until), true);
    assert.equal(await world.content.protectManifest(place, digest, until), true);
    assert.equal(world.content.isFreeManifest(repositoryId, digest, until), false);
    await world.collect(registry);
    await pushManifest(world.content, place, indexText([manifestText(child)]), ["list"]);
    assert.equal(await world.content.protectManifest(place, digestOf("none"), until), false);
  });

  test("a blob that was mounted from a repository which then let go of it", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const [from, to] = [world.place(registry, "from"), world.place(registry, "to")];
    const digest = await pushBlob(world.content, from, "layer");
    world.endProtection();
    const source = { kind: "repository", name: from.name } as const;
    assert.equal((await world.content.mountBlob(to, digest, source)).kind, "mounted");
    await world.collect(registry);
    assert.deepEqual(world.removed, []);
    const { content } = world;
    assert.notEqual(content.findBlob(world.repositoryId(registry, "to"), digest), undefined);
    assert.equal(content.findBlob(world.repositoryId(registry, "from"), digest), undefined);
  });

  test("a blob that was listed as nobody's, and is somebody's again when it is looked at", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    const digest = await pushBlob(world.content, place, "layer");
    await world.content.deleteBlob(place, digest);
    assert.deepEqual(world.collections.orphans(10), [digest]);
    await world.work({
      forgetBlobs: async (digests) => {
        await pushBlob(world.content, place, "layer");
        return world.collections.forgetBlobs(digests);
      },
    });
    assert.deepEqual(world.removed, []);
    assert.notEqual(world.content.findBlob(world.repositoryId(registry), digest), undefined);
    assert.deepEqual(world.collections.orphans(10), []);
  });

  test("the manifests that a tagged index names", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    const children = [{ layers: ["amd64"] }, { layers: ["arm64"] }];
    for (const child of children) await pushImage(world.content, place, child);
    await pushManifest(world.content, place, indexText(children.map(manifestText)), ["all"]);
    world.endProtection();
    await world.collect(registry);
    for (const child of children) assert(keeps(world, registry, manifestText(child)));
    const id = world.repositoryId(registry);
    await world.repositories.deleteTag(id, "all");
    assert.equal((await world.collect(registry)).blobsDeleted, 3);
    assert.equal(world.repositories.pageOfManifests(id, 0, 20).total, 0);
  });

  test("what refers to a tagged manifest, nor the subject of a tagged one", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const place = world.place(registry);
    const subject = await pushImage(world.content, place, { layers: ["app"], tags: ["v1"] });
    const signature = { config: "signature", subject };
    await pushImage(world.content, place, signature);
    const other = await pushImage(world.content, place, { layers: ["other"] });
    const listing = { config: "bill of materials", subject: other, tags: ["sbom"] };
    await pushImage(world.content, place, listing);
    world.endProtection();
    await world.collect(registry);
    assert(keeps(world, registry, manifestText(signature)));
    assert(keeps(world, registry, manifestText({ layers: ["other"] })));
    assert.deepEqual(world.removed, []);
    await world.repositories.deleteTag(world.repositoryId(registry), "v1");
    await world.collect(registry);
    assert(!keeps(world, registry, manifestText(signature)));
    assert(keeps(world, registry, manifestText(listing)));
  });

  test("a manifest that was pushed by its digest, until an index or an hour", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const child = { layers: ["amd64"] };
    await pushImage(world.content, world.place(registry), child);
    await world.collect(registry);
    assert(keeps(world, registry, manifestText(child)));
    world.endProtection();
    await pushManifest(world.content, world.place(registry), manifestText(child));
    await world.collect(registry);
    assert(keeps(world, registry, manifestText(child)), "it was pushed again");
    world.endProtection();
    await world.collect(registry);
    assert(!keeps(world, registry, manifestText(child)));
  });

  test("what another account has of the same content", async () => {
    const { world, registry } = await openRegistry();
    await using _ = world;
    const theirs = await world.registry(await world.account(), "theirs");
    const image = { layers: ["base"], tags: ["v1"] };
    await pushImage(world.content, world.place(registry), image);
    await pushImage(world.content, placeOf(theirs.accountId, "theirs", "app"), image);
    await world.registries.delete(registry.id);
    await world.work();
    assert.deepEqual(world.removed, []);
    assert.equal(world.registries.find(theirs.accountId, "theirs")?.storageBytes, "{}base".length);
  });
});

/** A store whose process is killed at its nth write: that one is done, or not, and none after it. */
function dying(store: CollectionStore, writes: number, isDone: boolean): Partial<CollectionStore> {
  let left = writes;
  const lived =
    <A extends readonly unknown[], R>(write: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      left -= 1;
      if (left > 0) return write(...args);
      if (left === 0 && isDone) await write(...args);
      throw new Error("killed");
    };
  return {
    advance: lived((...args: Parameters<CollectionStore["advance"]>) => store.advance(...args)),
    removeManifests: lived((...args: Parameters<CollectionStore["removeManifests"]>) =>
      store.removeManifests(...args),
    ),
    removeBlobs: lived((...args: Parameters<CollectionStore["removeBlobs"]>) =>
      store.removeBlobs(...args),
    ),
    shrinkDeleted: lived((...args: Parameters<CollectionStore["shrinkDeleted"]>) =>
      store.shrinkDeleted(...args),
    ),
    forgetBlobs: lived((...args: Parameters<CollectionStore["forgetBlobs"]>) =>
      store.forgetBlobs(...args),
    ),
    settleOrphans: lived((...args: Parameters<CollectionStore["settleOrphans"]>) =>
      store.settleOrphans(...args),
    ),
  };
}

describe("a garbage collection that is killed", () => {
  for (const isDone of [false, true]) {
    test(`${isDone ? "after" : "before"} any of its writes is ended by the next start`, async () => {
      for (let writes = 1; writes <= 12; writes += 1) {
        const { world, registry } = await openRegistry();
        await using _ = world;
        const place = world.place(registry);
        await pushImage(world.content, place, { layers: ["kept"], tags: ["latest"] });
        const old = { layers: ["old"], tags: ["old"] };
        await pushImage(world.content, place, old);
        await pushImage(world.content, world.place(registry, "deleted"), { layers: ["deleted"] });
        await world.repositories.deleteTag(world.repositoryId(registry), "old");
        await world.repositories.deleteRepository(registry.id, "deleted");
        const { uuid } = await world.start(registry);
        await world.work(dying(world.collections, writes, isDone));
        await world.work();
        const ended = world.collections.find(registry.id, uuid);
        assert(ended?.status === "succeeded", `${writes}: ${ended?.status}`);
        assert.deepEqual([ended.blobsDeleted, ended.freedBytes], [1, "old".length]);
        assert.equal(keeps(world, registry, manifestText({ layers: ["kept"] })), true);
        assert.equal(keeps(world, registry, manifestText(old)), false);
        const removed = new Set(world.removed);
        assert.deepEqual(removed, new Set([digestOf("old"), digestOf("deleted")]));
        assert.deepEqual(world.collections.orphans(10), []);
      }
    });
  }
});
