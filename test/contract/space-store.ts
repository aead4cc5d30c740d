import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { AccountStore } from "#account/account.ts";
import type { EndpointStore } from "#cdn/endpoint.ts";
import type { SpaceStore, StoredObject } from "#space/space.ts";

export interface SpaceWorld extends AsyncDisposable {
  readonly accounts: AccountStore;
  readonly endpoints: EndpointStore;
  readonly spaces: SpaceStore;
}

/** What every `SpaceStore` keeps, whatever it is made of. */
export function spaceStoreContract(name: string, open: () => Promise<SpaceWorld>): void {
  const space = async (world: SpaceWorld) => {
    const email = `${randomUUID()}@example.net`;
    const account = { uuid: randomUUID(), email, name: email, createdAt: 1 };
    const owner = await world.accounts.createAccount(account);
    assert(owner !== "email-taken");
    const wanted = { accountId: owner.id, name: "images", region: "nyc3", createdAt: 2 };
    const made = await world.spaces.createSpace(wanted);
    assert(made !== "name-taken");
    return made;
  };
  const object = (
    spaceId: number,
    key: string,
    more: Partial<StoredObject> = {},
  ): StoredObject => ({
    spaceId,
    key,
    file: randomUUID(),
    sizeBytes: 3,
    etag: "900150983cd24fb0d6963f7d28e17f72",
    contentType: "text/plain",
    metadata: {},
    lastModified: 1_700_000_000_000,
    ...more,
  });

  describe(`${name} as a SpaceStore`, () => {
    test("has one Space for a name and region", async () => {
      await using world = await open();
      const { id: _, ...made } = await space(world);
      assert.equal(await world.spaces.createSpace(made), "name-taken");
      const elsewhere = await world.spaces.createSpace({ ...made, region: "ams3" });
      assert.notEqual(elsewhere, "name-taken");
    });

    test("gives an object back as it was put", async () => {
      await using world = await open();
      const { id } = await space(world);
      const put = object(id, "a/b c/é😀.txt", {
        cacheControl: "max-age=5",
        contentEncoding: "gzip",
        contentDisposition: "inline",
        metadata: { colour: "blue" },
      });
      assert.deepEqual(await world.spaces.putObject(put), {});
      assert.deepEqual(world.spaces.findObject(id, put.key), put);
    });

    test("hands out the file that nothing refers to any more", async () => {
      await using world = await open();
      const { id } = await space(world);
      const [first, second] = [object(id, "a"), object(id, "a")];
      await world.spaces.putObject(first);
      assert.deepEqual(await world.spaces.putObject(second), { replacedFile: first.file });
      assert.deepEqual([...world.spaces.referredFiles()], [second.file]);
      assert.equal(await world.spaces.deleteObject(id, "a"), second.file);
      assert.equal(await world.spaces.deleteObject(id, "a"), undefined);
    });

    test("lists keys in the order of their bytes, by prefix, page by page", async () => {
      await using world = await open();
      const { id } = await space(world);
      for (const key of ["b/2", "a", "b/10", "c", "b/é", "B"]) {
        await world.spaces.putObject(object(id, key));
      }
      const keys = (prefix: string, after: string, limit: number) =>
        world.spaces.listObjects(id, { prefix, after, limit }).map(({ key }) => key);
      assert.deepEqual(keys("", "", 10), ["B", "a", "b/10", "b/2", "b/é", "c"]);
      assert.deepEqual(keys("b/", "", 2), ["b/10", "b/2"]);
      assert.deepEqual(keys("b/", "b/2", 2), ["b/é"]);
    });

    test("deletes a Space only when it is empty and nothing serves it", async () => {
      await using world = await open();
      const { id, accountId } = await space(world);
      await world.spaces.putObject(object(id, "a"));
      assert.equal(await world.spaces.deleteSpace(id), "not-empty");
      await world.spaces.deleteObject(id, "a");
      const origin = { name: "images", region: "nyc3", domain: "spaces.localhost" };
      const endpoint = { id: randomUUID(), accountId, origin, ttl: 60, createdAt: 1 } as const;
      await world.endpoints.create(endpoint, { strict: true });
      assert.equal(await world.spaces.deleteSpace(id), "in-use");
      await world.endpoints.delete(accountId, endpoint.id);
      assert.equal(await world.spaces.deleteSpace(id), "deleted");
      assert.equal(await world.spaces.putObject(object(id, "late")), "space-missing");
    });

    test("never gives a Space the number of one that is gone", async () => {
      await using world = await open();
      const { id, ...wanted } = await space(world);
      await world.spaces.deleteSpace(id);
      const next = await world.spaces.createSpace(wanted);
      assert(next !== "name-taken" && next.id !== id);
      assert.equal(await world.spaces.putObject(object(id, "late")), "space-missing");
    });

    test("keeps rules for other origins, and tells of them who serves the Space", async () => {
      await using world = await open();
      const { id, accountId, ...made } = await space(world);
      const rule = {
        allowedOrigins: ["*"],
        allowedMethods: ["GET"],
        allowedHeaders: ["X-Odd"],
        exposeHeaders: [],
      } as const;
      assert.deepEqual(await world.spaces.putCors(id, [rule]), {});
      assert.deepEqual(world.spaces.findSpace("images", "nyc3")?.cors, [rule]);
      const origin = { name: "images", region: "nyc3", domain: "spaces.localhost" };
      const endpoint = { id: randomUUID(), accountId, origin, ttl: 60, createdAt: 1 } as const;
      const created = await world.endpoints.create(endpoint, { strict: true });
      const changed = await world.spaces.putCors(id, undefined);
      assert(created.kind === "created" && changed !== "space-missing");
      assert((changed.number ?? 0) > created.number);
      assert.deepEqual(world.spaces.findSpace("images", "nyc3"), { ...made, id, accountId });
      await world.endpoints.delete(accountId, endpoint.id);
      await world.spaces.deleteSpace(id);
      assert.equal(await world.spaces.putCors(id, [rule]), "space-missing");
    });

    test("shows what a Space holds", async () => {
      await using world = await open();
      const made = await space(world);
      await world.spaces.putObject(object(made.id, "a"));
      await world.spaces.putObject(object(made.id, "b", { sizeBytes: 39 }));
      assert.deepEqual(world.spaces.pageOfSpaces(made.accountId, 0, 20), {
        rows: [{ ...made, objectCount: 2, sizeBytes: 42 }],
        total: 1,
      });
    });
  });
}
