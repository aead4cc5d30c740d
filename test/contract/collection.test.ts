import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import {
  digestOf,
  indexText,
  manifestText,
  pushBlob,
  pushImage,
  pushManifest,
} from "../support/images.ts";
import {
  BLOBS,
  BOTH,
  type CollectionWorld,
  MANIFESTS,
  openCollectionWorld,
} from "./collection-world.ts";

/** The digests of a repository's manifests. */
function manifestsIn(world: CollectionWorld, repositoryId: number): ReadonlySet<string> {
  const { rows } = world.repositories.pageOfManifests(repositoryId, 0, 1_000);
  return new Set(rows.map(({ digest }) => digest));
}

function hasBlob(world: CollectionWorld, repositoryId: number, text: string): boolean {
  return world.content.findBlob(repositoryId, digestOf(text)) !== undefined;
}

describe("a garbage collection", () => {
  test("removes blobs that no manifest needs any more, and counts them", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const place = world.place(registry);
    await pushImage(world.content, place, { layers: ["shared", "kept"], tags: ["kept"] });
    const gone = await pushImage(world.content, place, { layers: ["shared", "gone"] });
    const id = world.repositoryId(registry);
    await world.repositories.deleteManifest(id, gone);
    const { status, blobsDeleted, freedBytes } = await world.collect(registry, BLOBS);
    assert.deepEqual([status, blobsDeleted, freedBytes], ["succeeded", 1, "gone".length]);
    assert.deepEqual(world.removed, [digestOf("gone")]);
    assert.equal(hasBlob(world, id, "gone"), false);
    assert.equal(hasBlob(world, id, "shared"), true);
    const size = world.registries.find(registry.accountId, "images")?.storageBytes;
    assert.equal(size, "{}sharedkept".length);
  });

  test("leaves untagged manifests, and what they need, unless its type says so", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const place = world.place(registry);
    const first = await pushImage(world.content, place, { layers: ["old"], tags: ["latest"] });
    await pushImage(world.content, place, { layers: ["new"], tags: ["latest"] });
    const id = world.repositoryId(registry);
    assert.equal((await world.collect(registry, BLOBS)).blobsDeleted, 0);
    assert.equal((await world.collect(registry, MANIFESTS)).blobsDeleted, 0);
    assert.equal(manifestsIn(world, id).has(first), false);
    assert.equal(hasBlob(world, id, "old"), true);
    assert.equal((await world.collect(registry, BOTH)).blobsDeleted, 1);
    assert.equal(hasBlob(world, id, "old"), false);
  });

  test("frees what a registry has not any more, and keeps it for those that have", async () => {
    await using world = await openCollectionWorld();
    const accountId = await world.account();
    const [one, two] = [await world.registry(accountId), await world.registry(accountId, "other")];
    const image = { layers: ["shared"] };
    const digest = await pushImage(world.content, world.place(one), image);
    await pushImage(world.content, world.place(two), { ...image, tags: ["v1"] });
    await world.repositories.deleteManifest(world.repositoryId(one), digest);
    const { blobsDeleted, freedBytes } = await world.collect(one);
    assert.deepEqual([blobsDeleted, freedBytes], [2, "{}shared".length]);
    assert.deepEqual(world.removed, []);
    assert.equal(hasBlob(world, world.repositoryId(two), "shared"), true);
  });

  test("goes through more than one batch of everything", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const place = world.place(registry);
    const numbers = Array.from({ length: 450 }, (_, index) => `layer ${index}`);
    await Promise.all(numbers.map((layer) => pushBlob(world.content, place, layer)));
    await pushBlob(world.content, place, "{}");
    const texts = numbers.map((layer) => manifestText({ layers: [layer] }));
    await Promise.all(
      texts.map((text, index) =>
        pushManifest(world.content, place, text, index % 2 === 0 ? [`v${index}`] : []),
      ),
    );
    world.endProtection();
    const { blobsDeleted } = await world.collect(registry);
    assert.equal(blobsDeleted, 225);
    assert.equal(manifestsIn(world, world.repositoryId(registry)).size, 225);
    assert.equal(new Set(world.removed).size, 225);
  });

  test("is one at a time in a registry, and history keeps the latest first", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const first = await world.start(registry);
    await assert.rejects(world.start(registry), /active/);
    await world.work();
    const second = await world.collect(registry);
    const { rows, total } = world.collections.page(registry.id, 0, 1);
    assert.deepEqual([rows[0]?.uuid, total], [second.uuid, 2]);
    assert.equal(world.collections.find(registry.id, first.uuid)?.status, "succeeded");
    assert.equal(world.collections.find(registry.id + 1, first.uuid), undefined);
  });

  test("is cancelling until the collector sees it, then cancelled, and removes no more", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const place = world.place(registry);
    const gone = await pushImage(world.content, place, { layers: ["gone"] });
    await world.repositories.deleteManifest(world.repositoryId(registry), gone);
    const { uuid } = await world.start(registry);
    const cancelled = await world.collections.cancel(registry.id, uuid);
    assert(typeof cancelled === "object" && cancelled.status === "cancelling");
    await world.work();
    assert.equal(world.collections.find(registry.id, uuid)?.status, "cancelled");
    assert.deepEqual(world.removed, []);
    assert.equal(await world.collections.cancel(registry.id, uuid), "ended");
    assert.equal(await world.collections.cancel(registry.id, "unknown"), "missing");
  });

  test("can be cancelled in the middle of its work", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    await pushImage(world.content, world.place(registry), { tags: ["v1"] });
    const { uuid } = await world.start(registry);
    await world.work({
      removeManifests: async (id, cursor, limit) => {
        await world.collections.cancel(registry.id, uuid);
        return world.collections.removeManifests(id, cursor, limit);
      },
    });
    assert.equal(world.collections.find(registry.id, uuid)?.status, "cancelled");
  });

  test("fails when a step does, and the next one does its work", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const gone = await pushImage(world.content, world.place(registry), { layers: ["gone"] });
    await world.repositories.deleteManifest(world.repositoryId(registry), gone);
    const { uuid } = await world.start(registry);
    await world.work({ removeBlobs: () => Promise.reject(new Error("the disk")) });
    assert.equal(world.collections.find(registry.id, uuid)?.status, "failed");
    assert.equal((await world.collect(registry)).blobsDeleted, 2);
  });

  test("ends with its registry", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    await pushImage(world.content, world.place(registry), { layers: ["layer"], tags: ["v1"] });
    await world.start(registry);
    await world.registries.delete(registry.id);
    await world.work();
    assert.deepEqual(new Set(world.removed), new Set([digestOf("{}"), digestOf("layer")]));
    assert.equal(world.collections.next(), undefined);
  });
});

describe("what was deleted", () => {
  test("takes its blobs along, but for those that others have", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const image = { layers: ["shared"], tags: ["v1"] };
    await pushImage(world.content, world.place(registry, "a"), { ...image, config: "a" });
    await pushImage(world.content, world.place(registry, "b"), { ...image, config: "b" });
    const index = indexText([manifestText({ ...image, config: "a" })]);
    await pushManifest(world.content, world.place(registry, "a"), index, ["all"]);
    await world.repositories.deleteRepository(registry.id, "a");
    await world.work();
    assert.deepEqual(world.removed, [digestOf("a")]);
    assert.equal(hasBlob(world, world.repositoryId(registry, "b"), "shared"), true);
  });

  test("by its digest through the registry itself, loses its file too", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account());
    const digest = await pushBlob(world.content, world.place(registry), "loose");
    await world.content.deleteBlob(world.place(registry), digest);
    await world.work();
    assert.deepEqual(world.removed, [digest]);
    assert.equal(world.content.hasBlobRow(digest), false);
  });

  test("as a registry, leaves no row once all that it had is gone", async () => {
    await using world = await openCollectionWorld();
    const registry = await world.registry(await world.account(), "gone");
    await pushImage(world.content, world.place(registry), { layers: ["x"], tags: ["v1"] });
    await world.collect(registry);
    await world.registries.delete(registry.id);
    await world.work();
    using db = new DatabaseSync(world.database, { readOnly: true });
    for (const table of ["registry", "registry_usage", "repository", "repository_blob", "blob"]) {
      assert.deepEqual(db.prepare(`SELECT * FROM ${table}`).all(), [], table);
    }
    const again = await world.registry(registry.accountId, "gone");
    assert.notEqual(again.id, registry.id);
  });
});
