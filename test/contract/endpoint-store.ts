import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { AccountStore } from "#account/account.ts";
import type { Endpoint, EndpointStore } from "#cdn/endpoint.ts";

export interface EndpointWorld extends AsyncDisposable {
  readonly endpoints: EndpointStore;
  readonly accounts: AccountStore;
  /** Kinds of the changes that the edges were told of, in order. */
  told(): readonly { readonly number: number; readonly kind: string }[];
}

/** What every `EndpointStore` keeps, whatever it is made of. */
export function endpointStoreContract(name: string, open: () => Promise<EndpointWorld>): void {
  const account = async (world: EndpointWorld, email = `${randomUUID()}@example.net`) => {
    const made = await world.accounts.createAccount({
      uuid: randomUUID(),
      email,
      name: email,
      createdAt: 1,
    });
    assert(made !== "email-taken");
    return made.id;
  };
  const endpoint = (accountId: number, space: string, more: Partial<Endpoint> = {}): Endpoint => ({
    id: randomUUID(),
    accountId,
    origin: { name: space, region: "nyc3", domain: "spaces.localhost" },
    ttl: 3_600,
    createdAt: 1_700_000_000_000,
    ...more,
  });
  const lax = { strict: false };

  describe(`${name} as an EndpointStore`, () => {
    test("finds what it created, for its own account only", async () => {
      await using world = await open();
      const [own, other] = [await account(world), await account(world)];
      const wanted = endpoint(own, "images", { customDomain: "static.example.com" });
      const created = await world.endpoints.create(wanted, lax);
      assert.equal(created.kind, "created");
      assert.deepEqual(world.endpoints.find(own, wanted.id), wanted);
      assert.equal(world.endpoints.find(other, wanted.id), undefined);
    });

    test("has one endpoint for an origin, whatever its Spaces domain", async () => {
      await using world = await open();
      const own = await account(world);
      await world.endpoints.create(endpoint(own, "images"), lax);
      const again = endpoint(own, "images", {
        origin: { name: "images", region: "nyc3", domain: "digitaloceanspaces.com" },
      });
      assert.deepEqual(await world.endpoints.create(again, lax), {
        kind: "refused",
        reason: "origin-taken",
      });
    });

    test("gives a Space to the first account that names it", async () => {
      await using world = await open();
      const [own, other] = [await account(world), await account(world)];
      await world.endpoints.create(endpoint(own, "images"), lax);
      assert.deepEqual(await world.endpoints.create(endpoint(other, "images"), lax), {
        kind: "refused",
        reason: "space-of-another-account",
      });
    });

    test("asks that a Space exists when it is strict", async () => {
      await using world = await open();
      const own = await account(world);
      const wanted = endpoint(own, "images");
      assert.deepEqual(await world.endpoints.create(wanted, { strict: true }), {
        kind: "refused",
        reason: "space-missing",
      });
      assert.deepEqual(world.told(), []);
    });

    test("has one endpoint for a custom domain, at creation and at update", async () => {
      await using world = await open();
      const own = await account(world);
      const customDomain = "static.example.com";
      const second = endpoint(own, "second");
      await world.endpoints.create(endpoint(own, "first", { customDomain }), lax);
      await world.endpoints.create(second, lax);
      const refused = { kind: "refused", reason: "custom-domain-taken" };
      const third = endpoint(own, "third", { customDomain });
      assert.deepEqual(await world.endpoints.create(third, lax), refused);
      assert.deepEqual(await world.endpoints.update(own, second.id, { customDomain }), refused);
    });

    test("undoes all of a creation that it refuses, the Space too", async () => {
      await using world = await open();
      const [own, other] = [await account(world), await account(world)];
      const customDomain = "static.example.com";
      await world.endpoints.create(endpoint(own, "first", { customDomain }), lax);
      await world.endpoints.create(endpoint(own, "second", { customDomain }), lax);
      const created = await world.endpoints.create(endpoint(other, "second"), lax);
      assert.equal(created.kind, "created");
    });

    test("changes what an update names, keeps the rest, and clears on null", async () => {
      await using world = await open();
      const own = await account(world);
      const made = endpoint(own, "images", { customDomain: "static.example.com" });
      await world.endpoints.create(made, lax);
      await world.endpoints.update(own, made.id, { ttl: 60 });
      assert.deepEqual(world.endpoints.find(own, made.id), { ...made, ttl: 60 });
      await world.endpoints.update(own, made.id, { customDomain: null });
      const { customDomain: _, ...bare } = made;
      assert.deepEqual(world.endpoints.find(own, made.id), { ...bare, ttl: 60 });
    });

    test("merges a change into what is settled, and keeps it through others", async () => {
      await using world = await open();
      const own = await account(world);
      const made = endpoint(own, "images");
      await world.endpoints.create(made, lax);
      const first = { httpsRedirect: true, errorPage: "404.html" };
      await world.endpoints.changeSettings(own, made.id, first);
      const changes = { errorPage: null, hsts: { maxAgeSeconds: 60 } };
      const changed = await world.endpoints.changeSettings(own, made.id, changes);
      const settings = {
        httpsRedirect: true,
        hsts: { maxAgeSeconds: 60, includeSubdomains: false, preload: false },
      };
      assert(changed.kind === "changed");
      assert.deepEqual(changed.settings, settings);
      await world.endpoints.update(own, made.id, { ttl: 60 });
      assert.deepEqual(world.endpoints.find(own, made.id), { ...made, ttl: 60, settings });
      assert.deepEqual(world.endpoints.page(own, 0, 1).rows, [{ ...made, ttl: 60, settings }]);
      const off = { httpsRedirect: false, hsts: null };
      await world.endpoints.changeSettings(own, made.id, off);
      assert.deepEqual(world.endpoints.find(own, made.id), { ...made, ttl: 60 });
    });

    test("loses none of many changes of settings at once", async () => {
      await using world = await open();
      const own = await account(world);
      const made = endpoint(own, "images");
      await world.endpoints.create(made, lax);
      const changes = [
        { httpsRedirect: true },
        { compression: true },
        { errorPage: "404.html" },
        { hsts: { maxAgeSeconds: 60 } },
        { hsts: { includeSubdomains: true, maxAgeSeconds: 60 } },
      ];
      await Promise.all(changes.map((one) => world.endpoints.changeSettings(own, made.id, one)));
      assert.deepEqual(world.endpoints.find(own, made.id)?.settings, {
        httpsRedirect: true,
        compression: true,
        errorPage: "404.html",
        hsts: { maxAgeSeconds: 60, includeSubdomains: true, preload: false },
      });
    });

    test("refuses settings that could not be so, and those of another account", async () => {
      await using world = await open();
      const [own, other] = [await account(world), await account(world)];
      const made = endpoint(own, "images");
      await world.endpoints.create(made, lax);
      const changes = { compression: true, query: { mode: "only" } } as const;
      const refused = await world.endpoints.changeSettings(own, made.id, changes);
      assert.equal(refused.kind, "invalid");
      const missing = await world.endpoints.changeSettings(other, made.id, { compression: true });
      assert.deepEqual(missing, { kind: "missing" });
      assert.deepEqual(world.endpoints.find(own, made.id), made);
      assert.equal(world.told().length, 1);
    });

    test("numbers its changes in order, and tells each before it returns", async () => {
      await using world = await open();
      const own = await account(world);
      const made = endpoint(own, "images");
      const created = await world.endpoints.create(made, lax);
      const changed = await world.endpoints.changeSettings(own, made.id, { compression: true });
      const purged = await world.endpoints.purge(own, made.id, ["/a"]);
      const deleted = await world.endpoints.delete(own, made.id);
      assert(created.kind === "created" && changed.kind === "changed");
      assert(purged !== undefined && deleted !== undefined);
      assert.deepEqual(world.told(), [
        { number: created.number, kind: "endpoint-put" },
        { number: changed.number, kind: "endpoint-put" },
        { number: purged, kind: "purge" },
        { number: deleted, kind: "endpoint-delete" },
      ]);
      assert(created.number < changed.number && changed.number < purged && purged < deleted);
    });

    test("tells nothing of another account's endpoint that it did not change", async () => {
      await using world = await open();
      const [own, other] = [await account(world), await account(world)];
      const made = endpoint(own, "images");
      await world.endpoints.create(made, lax);
      assert.equal(await world.endpoints.delete(other, made.id), undefined);
      assert.equal(await world.endpoints.purge(other, made.id, ["/a"]), undefined);
      const updated = await world.endpoints.update(other, made.id, { ttl: 60 });
      assert.deepEqual(updated, { kind: "refused", reason: "missing" });
      assert.equal(world.told().length, 1);
    });

    test("pages in order of creation, with the total", async () => {
      await using world = await open();
      const own = await account(world);
      const made = ["one", "two", "three"].map((space) => endpoint(own, space));
      for (const each of made) await world.endpoints.create(each, lax);
      assert.deepEqual(world.endpoints.page(own, 1, 1), { rows: [made[1]], total: 3 });
      assert.deepEqual(world.endpoints.page(own, 3, 20), { rows: [], total: 3 });
    });

    test("says which regions and domains endpoints of any account are in", async () => {
      await using world = await open();
      const [own, other] = [await account(world), await account(world)];
      const ams3 = { name: "third", region: "ams3", domain: "spaces.localhost" };
      await world.endpoints.create(endpoint(own, "first"), lax);
      await world.endpoints.create(endpoint(own, "second"), lax);
      await world.endpoints.create(endpoint(other, "third", { origin: ams3 }), lax);
      assert.deepEqual(
        new Set(world.endpoints.regions().map(({ region, domain }) => `${region} ${domain}`)),
        new Set(["nyc3 spaces.localhost", "ams3 spaces.localhost"]),
      );
      assert.equal(world.endpoints.regions().length, 2);
    });

    test("keeps its promises under concurrent creations of one origin", async () => {
      await using world = await open();
      const own = await account(world);
      const results = await Promise.all(
        Array.from({ length: 50 }, () => world.endpoints.create(endpoint(own, "images"), lax)),
      );
      assert.equal(results.filter(({ kind }) => kind === "created").length, 1);
    });
  });
}
