import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { ApiBody } from "../support/api-body.ts";
import { freshName } from "../support/world.ts";
import type { ImageClient, ImageClientKind } from "./client.ts";
import { type Content, readBlobs } from "./layout.ts";
import {
  credentials,
  newHome,
  octetsOf,
  platformsOf,
  publish,
  type Setting,
  served,
} from "./setting.ts";

const TAGS = ["one", "many"] as const;
/** A repository that no client changes. */
const LIBRARY = "library/there";

/** What a person does with images, whichever client is used. */
export function imageContract(kind: ImageClientKind, setting: Setting): void {
  const { home, layout, owner, host } = setting;
  const imageOf = (repository: string) => `${host}/${owner.name}/${repository}`;
  const pulledTo = () => home.path(freshName("pulled"));

  describe(kind.name, () => {
    let client: ImageClient;
    before(async () => {
      client = kind.open(home);
      await publish(setting, LIBRARY);
    });

    for (const tag of TAGS) {
      const image = layout[tag];
      const what = tag === "one" ? "an image" : "an image of several platforms";

      test(`pushes ${what}: it is there to the octet, by tag and by digest`, async () => {
        const repository = freshName(`${kind.name}/pushed`);
        await client.push(layout, tag, `${imageOf(repository)}:v1`);
        for (const reference of ["v1", image.digest]) {
          const reply = await served(setting, repository, reference);
          assert.equal(reply.status, 200, reply.text);
          assert(reply.body.equals(image.octets));
          assert.equal(reply.headers["docker-content-digest"], image.digest);
          assert.equal(reply.headers["content-type"], image.mediaType);
        }
      });

      test(`pulls ${what} by tag and by digest, every blob to the octet`, async () => {
        for (const reference of [`:${tag}`, `@${image.digest}`]) {
          const folder = pulledTo();
          await client.pull(imageOf(LIBRARY) + reference, folder);
          const blobs = await readBlobs(folder);
          for (const { digest } of belongingTo(image)) {
            assert(blobs.get(digest)?.equals(octetsOf(layout, digest)), `${reference}: ${digest}`);
          }
        }
      });

      test(`knows the digest of ${what}`, async () => {
        assert.equal(await client.digest(`${imageOf(LIBRARY)}:${tag}`), image.digest);
      });
    }

    test("pushes what the management API shows with the same digests and sizes", async () => {
      const repository = freshName(`${kind.name}/shown`);
      await client.push(layout, "many", `${imageOf(repository)}:v1`);
      const [tag] = await tagsOf(setting, repository);
      assert.equal(tag?.manifest_digest, layout.many.digest);
      assert.equal(tag.compressed_size_bytes, sizeOf(layout.many));
      const manifests = await manifestsOf(setting, repository);
      const shown = manifests.map(({ digest }) => digest).toSorted();
      const all = [layout.many, ...platformsOf(layout.many)].map(({ digest }) => digest);
      assert.deepEqual(shown, all.toSorted());
      const image = manifests.find(({ digest }) => digest === layout.one.digest);
      assert.equal(image?.compressed_size_bytes, sizeOf(layout.one));
      assert.deepEqual(
        image.blobs.toSorted(byDigest),
        layout.one.blobs
          .map(({ digest, size }) => ({ digest, compressed_size_bytes: size }))
          .toSorted(byDigest),
      );
    });

    test("pushes what is there already", async () => {
      await client.push(layout, "one", `${imageOf(LIBRARY)}:one`);
      assert((await served(setting, LIBRARY, "one")).body.equals(layout.one.octets));
    });

    test("lists tags", async () => {
      assert.deepEqual((await client.tags(imageOf(LIBRARY))).toSorted(), ["many", "one"]);
    });

    test("copies from one repository to another", async () => {
      const repository = freshName(`${kind.name}/copied`);
      await client.copy(`${imageOf(LIBRARY)}:many`, `${imageOf(repository)}:copy`);
      assert((await served(setting, repository, "copy")).body.equals(layout.many.octets));
      const folder = pulledTo();
      await client.pull(`${imageOf(repository)}:copy`, folder);
      const blobs = await readBlobs(folder);
      assert(belongingTo(layout.many).every(({ digest }) => blobs.has(digest)));
    });

    test("deletes an image: the management API does not have it any more either", async () => {
      const repository = freshName(`${kind.name}/deleted`);
      await publish(setting, repository);
      await client.delete(`${imageOf(repository)}:many`);
      assert.equal((await served(setting, repository, "many")).status, 404);
      assert.equal((await served(setting, repository, "one")).status, 200);
      const tags = await tagsOf(setting, repository);
      assert.deepEqual(
        tags.map(({ tag }) => tag),
        ["one"],
      );
    });

    test("is told why when its credentials are for reading only", async () => {
      using reader = newHome(setting);
      reader.signIn(await credentials(owner, "read_write=false"));
      const reading = kind.open(reader);
      await reading.pull(`${imageOf(LIBRARY)}:one`, reader.path("pulled"));
      const repository = freshName(`${kind.name}/refused`);
      const push = reading.push(layout, "one", `${imageOf(repository)}:v1`);
      await assert.rejects(push, /denied|the token's scopes do not allow to push/i);
    });

    test("is told to sign in when nobody has", async () => {
      using stranger = newHome(setting);
      const pull = kind.open(stranger).pull(`${imageOf(LIBRARY)}:one`, stranger.path("pulled"));
      await assert.rejects(pull, /unauthorized|authentication required|sign in/i);
    });
  });
}

/** All that has to be there after a pull: of an index, its platforms' manifests as well. */
function belongingTo(image: Content): readonly Pick<Content, "digest">[] {
  return [image, ...platformsOf(image), ...image.blobs];
}

/** Of its blobs, each once. */
function sizeOf({ blobs }: Content): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

function byDigest(one: { readonly digest: string }, other: { readonly digest: string }): number {
  return one.digest < other.digest ? -1 : 1;
}

function pathOf({ owner }: Setting, repository: string): string {
  return `/v2/registries/${owner.name}/repositories/${encodeURIComponent(repository)}`;
}

async function tagsOf(setting: Setting, repository: string): Promise<ApiBody["tags"]> {
  const reply = await setting.owner.api("GET", `${pathOf(setting, repository)}/tags`);
  return reply.json.tags;
}

async function manifestsOf(setting: Setting, repository: string): Promise<ApiBody["manifests"]> {
  const reply = await setting.owner.api("GET", `${pathOf(setting, repository)}/digests`);
  return reply.json.manifests;
}
