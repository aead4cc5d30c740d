import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { parseManifest } from "#oci/manifest.ts";
import { MANIFESTS_PER_REPOSITORY_MAX, TAGS_PER_REPOSITORY_MAX } from "#registry/limits.ts";
import { digestOf, indexText, manifestText, pushImage, pushManifest } from "../support/images.ts";
import { openRegistryWorld } from "./registry-world.ts";

const open = openRegistryWorld;

describe("SQLite as a RegistryStore", () => {
  test("gives a registry back as it was made, to its account alone", async () => {
    await using world = await open();
    const accountId = await world.account();
    const made = await world.registry(accountId);
    assert.deepEqual(world.registries.find(accountId, "images"), made);
    assert.deepEqual(world.registries.list(accountId), [made]);
    assert.equal(world.registries.find(await world.account(), "images"), undefined);
  });

  test("has one registry for a name, whoever's it is", async () => {
    await using world = await open();
    await world.registry(await world.account());
    const wanted = {
      accountId: await world.account(),
      name: "images",
      region: "nyc3",
      createdAt: 1,
    };
    assert.deepEqual(await world.registries.create(wanted, undefined), { kind: "name-taken" });
    assert.equal(world.registries.isNameTaken("images"), true);
    assert.equal(world.registries.subscription(wanted.accountId), undefined);
  });

  test("keeps the tier that an account is on, and begins with starter", async () => {
    await using world = await open();
    const accountId = await world.account();
    const wanted = { accountId, name: "one", region: "nyc3", createdAt: 1 };
    await world.registries.create(wanted, undefined);
    assert.equal(world.registries.subscription(accountId)?.tier, "starter");
    const second = await world.registries.create({ ...wanted, name: "two" }, undefined);
    assert.equal(second.kind, "full");
    await world.registries.create({ ...wanted, name: "two" }, "professional");
    await world.registries.create({ ...wanted, name: "three" }, undefined);
    assert.equal(world.registries.subscription(accountId)?.tier, "professional");
    assert.equal(world.registries.usage(accountId).registries, 3);
  });

  test("lets two creates at once have no more registries than the tier", async () => {
    await using world = await open();
    const accountId = await world.account();
    const wanted = { accountId, region: "nyc3", createdAt: 1 };
    const results = await Promise.all(
      ["a", "b", "c"].map((name) => world.registries.create({ ...wanted, name }, "basic")),
    );
    assert.deepEqual(results.map(({ kind }) => kind).toSorted(), ["created", "full", "full"]);
  });

  test("changes a tier, unless the account has more than it includes", async () => {
    await using world = await open();
    const accountId = await world.account();
    const registry = await world.registry(accountId);
    await pushImage(world.content, world.place(registry, "a"), { tags: ["v1"] });
    await pushImage(world.content, world.place(registry, "b"), { tags: ["v1"] });
    const refused = await world.registries.changeTier(accountId, "starter");
    assert.deepEqual(refused, { kind: "ineligible", reasons: ["OverRepositoryLimit"] });
    const changed = await world.registries.changeTier(accountId, "basic");
    assert(changed.kind === "changed" && changed.subscription.tier === "basic");
    const { createdAt, updatedAt } = changed.subscription;
    assert(createdAt <= updatedAt);
  });

  test("frees a deleted registry's name at once, for a registry that has nothing", async () => {
    await using world = await open();
    const accountId = await world.account();
    const registry = await world.registry(accountId);
    await pushImage(world.content, world.place(registry), { layers: ["layer"], tags: ["v1"] });
    assert.equal(await world.registries.delete(registry.id), true);
    assert.equal(await world.registries.delete(registry.id), false);
    assert.deepEqual(world.registries.list(accountId), []);
    assert.deepEqual(world.registries.usage(accountId), {
      registries: 0,
      repositories: 0,
      storageBytes: 0,
    });
    const next = await world.registry(accountId);
    assert.notEqual(next.id, registry.id);
    assert.equal(next.storageBytes, 0);
    assert.equal(world.repositories.pageOfRepositories(next.id, 0, 20).total, 0);
  });

  test("counts a blob once in each registry that has it", async () => {
    await using world = await open();
    const accountId = await world.account();
    const [one, two] = [await world.registry(accountId), await world.registry(accountId, "other")];
    const image = { config: "{}", layers: ["0123456789"] };
    await pushImage(world.content, world.place(one, "a"), image);
    await pushImage(world.content, world.place(one, "b"), image);
    await pushImage(world.content, world.place(two, "a"), image);
    assert.equal(world.registries.find(accountId, "images")?.storageBytes, 12);
    assert.equal(world.registries.usage(accountId).storageBytes, 24);
  });
});

describe("SQLite as a RepositoryStore", () => {
  test("counts tags and manifests, and leaves those without a tag out of the tagged", async () => {
    await using world = await open();
    const registry = await world.registry(await world.account());
    await pushImage(world.content, world.place(registry, "my/repo"), { tags: ["v1", "v2"] });
    await pushImage(world.content, world.place(registry, "bare"), { layers: ["x"] });
    const shown = ({ rows }: { rows: readonly { name: string; tagCount: number }[] }) =>
      rows.map(({ name, tagCount }) => [name, tagCount]);
    const { repositories } = world;
    assert.deepEqual(shown(repositories.pageOfRepositories(registry.id, 0, 20)), [
      ["bare", 0],
      ["my/repo", 2],
    ]);
    const tagged = repositories.pageOfTaggedRepositories(registry.id, 0, 20);
    assert.deepEqual([shown(tagged), tagged.total], [[["my/repo", 2]], 1]);
    assert.equal(repositories.findRepository(registry.id, "my/repo")?.manifestCount, 1);
    assert.equal(repositories.latestTag(world.repositoryId(registry, "bare")), undefined);
  });

  test("shows what an index needs: the blobs of what it names, each once", async () => {
    await using world = await open();
    const registry = await world.registry(await world.account());
    const place = world.place(registry);
    const images = [{ layers: ["shared", "one"] }, { layers: ["shared", "two"] }];
    for (const image of images) await pushImage(world.content, place, image);
    await pushManifest(world.content, place, indexText(images.map(manifestText)), ["all"]);
    const tag = world.repositories.latestTag(world.repositoryId(registry));
    assert.equal(tag?.blobsBytes, "{}".length + "shared".length + "one".length + "two".length);
    const latest = world.repositories.latestManifest(world.repositoryId(registry));
    assert.equal(latest?.blobs.length, 4);
    assert.deepEqual(latest.tags, ["all"]);
  });

  test("deletes a tag, or a manifest with its tags, and says what was not there", async () => {
    await using world = await open();
    const registry = await world.registry(await world.account());
    const digest = await pushImage(world.content, world.place(registry), { tags: ["a", "b", "c"] });
    const id = world.repositoryId(registry);
    const { repositories } = world;
    assert.deepEqual(await repositories.deleteTag(id, "a"), { kind: "deleted" });
    assert.deepEqual(await repositories.deleteTag(id, "a"), { kind: "missing" });
    assert.equal(repositories.pageOfTags(id, 0, 20).total, 2);
    assert.deepEqual(await repositories.deleteManifest(id, digest), { kind: "deleted" });
    assert.deepEqual(await repositories.deleteManifest(id, digest), { kind: "missing" });
    assert.equal(repositories.pageOfTags(id, 0, 20).total, 0);
    assert.equal(world.registries.list(registry.accountId)[0]?.storageBytes, "{}".length);
  });

  test("forgets a deleted repository at once, and makes a new one of its name", async () => {
    await using world = await open();
    const registry = await world.registry(await world.account());
    await pushImage(world.content, world.place(registry), { tags: ["v1"] });
    const first = world.repositoryId(registry);
    assert.equal(await world.repositories.deleteRepository(registry.id, "app"), true);
    assert.equal(await world.repositories.deleteRepository(registry.id, "app"), false);
    assert.equal(world.repositories.findRepository(registry.id, "app"), undefined);
    assert.equal(world.registries.usage(registry.accountId).repositories, 0);
    await pushImage(world.content, world.place(registry), { tags: ["v2"] });
    assert.notEqual(world.repositoryId(registry), first);
    assert.equal(world.repositories.pageOfTags(world.repositoryId(registry), 0, 20).total, 1);
  });

  test("lists the latest manifests first", async () => {
    await using world = await open();
    const registry = await world.registry(await world.account());
    const pushed: string[] = [];
    for (const layer of ["1", "2", "3"]) {
      pushed.unshift(await pushImage(world.content, world.place(registry), { layers: [layer] }));
    }
    const page = world.repositories.pageOfManifests(world.repositoryId(registry), 0, 2);
    assert.equal(page.total, 3);
    assert.equal(page.rows.length, 2);
    const all = world.repositories.pageOfManifests(world.repositoryId(registry), 0, 20).rows;
    const times = all.map(({ updatedAt }) => updatedAt);
    assert.deepEqual(
      times,
      times.toSorted((one, other) => other - one),
    );
    assert.deepEqual(new Set(all.map(({ digest }) => digest)), new Set(pushed));
    assert(all.every(({ blobs }) => blobs.some(({ digest }) => digest === digestOf("{}"))));
  });

  test("counts what a repository has, whatever brings and takes it", async () => {
    await using world = await open();
    const registry = await world.registry(await world.account());
    const [place, store] = [world.place(registry), world.content];
    const counts = () => {
      const found = world.repositories.findRepository(registry.id, "app");
      return [found?.tagCount, found?.manifestCount];
    };
    const first = await pushImage(store, place, { layers: ["1"], tags: ["a", "b", "c"] });
    assert.deepEqual(counts(), [3, 1]);
    const second = await pushImage(store, place, { layers: ["2"], tags: ["c", "d"] });
    await pushImage(store, place, { layers: ["2"], tags: ["c", "d"] });
    assert.deepEqual(counts(), [4, 2]);
    await store.deleteReference(place, { kind: "tag", tag: "a" });
    assert.deepEqual(counts(), [3, 2]);
    await store.deleteReference(place, { kind: "digest", digest: second });
    assert.deepEqual(counts(), [1, 1]);
    await world.repositories.deleteManifest(world.repositoryId(registry), first);
    assert.deepEqual(counts(), [0, 0]);
  });

  test("refuses a tag or a manifest more than a repository may have", async () => {
    await using world = await open();
    const registry = await world.registry(await world.account());
    const place = world.place(registry);
    await pushImage(world.content, place, { layers: ["1"], tags: ["a"] });
    using db = new DatabaseSync(world.database, { timeout: 5_000 });
    const push = async (text: string, tag: string): Promise<string> => {
      const octets = Buffer.from(text);
      const parsed = parseManifest(octets, undefined);
      assert(parsed.kind === "manifest");
      const { manifest } = parsed;
      const pushed = {
        digest: digestOf(text),
        content: octets,
        manifest,
        tags: [tag],
        reference: { kind: "tag", tag },
        condition: {},
      } as const;
      const put = await world.content.putManifest(place, pushed);
      return put.kind === "refused" ? put.reason : put.kind;
    };
    const [known, other] = [manifestText({ layers: ["1"] }), manifestText({ layers: [] })];
    db.prepare("UPDATE repository SET tags = ?").run(TAGS_PER_REPOSITORY_MAX);
    assert.equal(await push(known, "b"), "tag-limit");
    assert.equal(await push(known, "a"), "put");
    db.prepare("UPDATE repository SET manifests = ?").run(MANIFESTS_PER_REPOSITORY_MAX);
    assert.equal(await push(other, "a"), "manifest-limit");
    assert.equal(await push(known, "a"), "put");
  });
});
