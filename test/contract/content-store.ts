import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { AccountStore } from "#account/account.ts";
import type { Digest } from "#oci/digest.ts";
import { OPEN_UPLOADS_PER_ACCOUNT_MAX } from "#oci/limits.ts";
import type { ManifestReference } from "#oci/manifest.ts";
import type { ContentStore, Place, PushedManifest } from "#oci/store.ts";
import type { RegistryStore } from "#registry/registry.ts";
import type { TierSlug } from "#registry/tier.ts";

export interface ContentWorld extends AsyncDisposable {
  readonly accounts: AccountStore;
  readonly registries: RegistryStore;
  readonly content: ContentStore;
}

function digest(letter: string): Digest {
  return `sha256:${letter.repeat(64)}` as Digest;
}

function pushed(of: string, more: Partial<PushedManifest["manifest"]> = {}): PushedManifest {
  return {
    digest: digest(of),
    content: Buffer.from(`{"which":"${of}"}`),
    manifest: { mediaType: "application/x", references: [], ...more },
    tags: [],
    reference: { kind: "digest", digest: digest(of) },
    condition: {},
  };
}

function blobReference(of: string): ManifestReference {
  return { kind: "blob", digest: digest(of), sizeBytes: 7 };
}

async function newPlace(
  { accounts, registries }: ContentWorld,
  registry: string,
  tier: TierSlug = "professional",
): Promise<Place> {
  const email = `${randomUUID()}@example.net`;
  const account = { uuid: randomUUID(), email, name: email, createdAt: 1 };
  const owner = await accounts.createAccount(account);
  assert(owner !== "email-taken");
  const wanted = { accountId: owner.id, name: registry, region: "nyc3", createdAt: 1 };
  assert.equal((await registries.create(wanted, tier)).kind, "created");
  return { accountId: owner.id, tokenId: "me", name: nameOf(registry, "app") };
}

function nameOf(registry: string, repository: string): Place["name"] {
  return { registry, repository, full: `${registry}/${repository}` };
}

/** What every `ContentStore` keeps, whatever it is made of. */
export function contentStoreContract(name: string, open: () => Promise<ContentWorld>): void {
  const upload = async (world: ContentWorld, place: Place, of: string, sizeBytes = 10) => {
    const id = randomUUID();
    const started = { id, algorithm: "sha256", expectedBytes: 0 } as const;
    assert.deepEqual(await world.content.startUpload(place, started), { kind: "started" });
    return world.content.finishUpload(place, id, { digest: digest(of), sizeBytes });
  };
  const idOf = (world: ContentWorld, place: Place): number =>
    world.content.findRepository(place.accountId, place.name) ?? 0;

  describe(`${name} as a ContentStore`, () => {
    test("makes a repository with its first upload, in a registry of the account's", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      assert.equal(world.content.findRepository(place.accountId, place.name), undefined);
      assert.deepEqual(await upload(world, place, "a"), { kind: "finished" });
      assert(idOf(world, place) > 0);
      const stranger = await newPlace(world, "other");
      const id = randomUUID();
      const there = { ...stranger, name: place.name };
      const started = { id, algorithm: "sha256", expectedBytes: 0 } as const;
      assert.equal((await world.content.startUpload(there, started)).kind, "no-registry");
      assert.equal(world.content.findRepository(stranger.accountId, place.name), undefined);
    });

    test("an upload ends once, as a blob or as nothing", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      const id = randomUUID();
      await world.content.startUpload(place, { id, algorithm: "sha512", expectedBytes: 0 });
      assert.equal(world.content.findUpload(idOf(world, place), id)?.algorithm, "sha512");
      assert.equal(await world.content.cancelUpload(id), true);
      assert.equal(await world.content.cancelUpload(id), false);
      const blob = { digest: digest("a"), sizeBytes: 1 };
      assert.equal((await world.content.finishUpload(place, id, blob)).kind, "no-upload");
      assert.equal(world.content.hasBlobRow(blob.digest), false);
    });

    test("expires uploads that nothing was added to, the oldest first", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      const id = randomUUID();
      await world.content.startUpload(place, { id, algorithm: "sha256", expectedBytes: 0 });
      assert.deepEqual(await world.content.expireUploads(1, 10), []);
      assert.deepEqual(await world.content.expireUploads(Number.MAX_SAFE_INTEGER, 10), [id]);
      assert.equal(world.content.isUploadOpen(id), false);
    });

    test("bounds the uploads that an account has open", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      const start = () =>
        world.content.startUpload(place, {
          id: randomUUID(),
          algorithm: "sha256",
          expectedBytes: 0,
        });
      const all = Array.from({ length: OPEN_UPLOADS_PER_ACCOUNT_MAX }, start);
      assert((await Promise.all(all)).every(({ kind }) => kind === "started"));
      assert.equal((await start()).kind, "too-many-uploads");
    });

    test("counts a blob once in each registry, and stops at the tier's storage", async () => {
      await using world = await open();
      const place = await newPlace(world, "small", "starter");
      await upload(world, place, "a", 500_000_000);
      assert.equal((await upload(world, place, "a", 500_000_000)).kind, "finished");
      const used = () => world.registries.find(place.accountId, "small")?.storageBytes;
      assert.equal(used(), 500_000_000);
      const refused = await upload(world, place, "b", 50_000_000);
      assert(refused.kind === "refused" && refused.reason === "storage-limit");
      assert.match(refused.message, /^registry contains 500000000 bytes, limit is 524288000/);
      assert.equal(world.content.hasBlobRow(digest("b")), false);
      await world.content.deleteBlob(place, digest("a"));
      assert.equal(used(), 0);
    });

    test("mounts what the account has, and nothing else", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      await upload(world, place, "a");
      const target = { ...place, name: nameOf("acme", "copy") };
      const mount = (to: Place, source: string) =>
        world.content.mountBlob(to, digest("a"), {
          kind: "repository",
          name: nameOf("acme", source),
        });
      assert.equal((await mount(target, "none")).kind, "no-blob");
      assert.equal((await mount(target, "app")).kind, "mounted");
      assert.equal(world.content.findBlob(idOf(world, target), digest("a"))?.sizeBytes, 10);
      const stranger = await newPlace(world, "other");
      assert.equal((await mount(stranger, "app")).kind, "no-blob");
      const any = await world.content.mountBlob(stranger, digest("a"), { kind: "any" });
      assert.equal(any.kind, "no-blob");
    });

    test("a corrupt blob is as one that is not there, until it is uploaded again", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      await upload(world, place, "a");
      await world.content.markCorrupt(digest("a"));
      assert.equal(world.content.findBlob(idOf(world, place), digest("a")), undefined);
      const image = pushed("1", { references: [blobReference("a")] });
      assert.equal((await world.content.putManifest(place, image)).kind, "missing");
      await upload(world, place, "a");
      assert.equal((await world.content.putManifest(place, image)).kind, "put");
    });

    test("takes a manifest with all that it refers to, or says what is missing", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      await upload(world, place, "a");
      const child: ManifestReference = { kind: "manifest", digest: digest("9"), sizeBytes: 1 };
      const index = pushed("2", { references: [blobReference("a"), child] });
      assert.deepEqual(await world.content.putManifest(place, index), {
        kind: "missing",
        references: [child],
      });
      await world.content.putManifest(place, pushed("9"));
      const put = await world.content.putManifest(place, { ...index, tags: ["v1", "v2"] });
      assert.deepEqual(put, { kind: "put" });
      const found = world.content.findManifest(idOf(world, place), { kind: "tag", tag: "v2" });
      assert.deepEqual(Buffer.from(found?.content ?? []), index.content);
    });

    test("ends a token's protection of what its manifest uses, and nobody else's", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      await upload(world, place, "a");
      await upload(world, place, "b");
      const later = Number.MAX_SAFE_INTEGER;
      await world.content.protectBlob({ ...place, tokenId: "other" }, digest("b"), later);
      const references = [blobReference("a"), blobReference("b")];
      await world.content.putManifest(place, pushed("1", { references }));
      const until = (of: string) =>
        world.content.findBlob(idOf(world, place), digest(of))?.protectedUntil;
      assert.deepEqual([until("a"), until("b")], [0, later]);
      assert.equal(await world.content.protectBlob(place, digest("c"), later), false);
    });

    test("deletes a tag alone, and a manifest with its tags and its place among referrers", async () => {
      await using world = await open();
      const place = await newPlace(world, "acme");
      const signature = pushed("2", { subject: digest("1"), artifactType: "application/sig" });
      await world.content.putManifest(place, { ...pushed("1"), tags: ["v1", "v2"] });
      await world.content.putManifest(place, { ...signature, tags: ["sig"] });
      const id = idOf(world, place);
      const listed = () =>
        world.content.referrers(id, digest("1"), undefined, "", 10).map((each) => each.digest);
      assert.deepEqual(listed(), [digest("2")]);
      const remove = (reference: Parameters<ContentStore["deleteReference"]>[1]) =>
        world.content.deleteReference(place, reference);
      const gone = { kind: "deleted", digest: digest("1") };
      assert.deepEqual(await remove({ kind: "tag", tag: "v1" }), gone);
      assert.deepEqual(await remove({ kind: "tag", tag: "v1" }), { kind: "no-manifest" });
      assert.deepEqual(world.content.tags(id, "", 10).names, ["sig", "v2"]);
      const signatureGone = { kind: "deleted", digest: digest("2") };
      assert.deepEqual(await remove({ kind: "digest", digest: digest("2") }), signatureGone);
      assert.deepEqual(listed(), []);
      assert.deepEqual(world.content.tags(id, "", 10), { names: ["v2"], more: false });
    });

    test("lists an account's repositories by their full names, a page after any name", async () => {
      await using world = await open();
      const place = await newPlace(world, "b");
      const { accountId } = place;
      for (const registry of ["a", "a-b", "a0"]) {
        const wanted = { accountId, name: registry, region: "nyc3", createdAt: 1 };
        await world.registries.create(wanted, "professional");
      }
      // A dash is before the slash, a digit after it.
      const all = ["a-b/x", "a/a", "a/a-b", "a/a/b", "a/z", "a0/x", "b/x"];
      for (const full of all.toReversed()) {
        const [registry = "", ...rest] = full.split("/");
        const there = { ...place, name: nameOf(registry, rest.join("/")) };
        await upload(world, there, "a");
      }
      await newPlace(world, "a-stranger");
      const page = (after: string, limit: number) =>
        world.content.repositories(accountId, after, limit);
      assert.deepEqual(page("", 10), { names: all, more: false });
      for (const [index, last] of all.entries()) {
        const rest = all.slice(index + 1);
        assert.deepEqual(page(last, 2), { names: rest.slice(0, 2), more: rest.length > 2 }, last);
      }
      assert.deepEqual(page("a", 1).names, ["a-b/x"]);
      assert.deepEqual(page("a/", 1).names, ["a/a"]);
      assert.deepEqual(page("a/b", 1).names, ["a/z"]);
      assert.deepEqual(page("c", 1), { names: [], more: false });
      assert.deepEqual(page("", 0), { names: [], more: true });
    });
  });
}
