import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { createProfessional, createRegistry, createTenant, push } from "../support/registry.ts";
import { assertProblem, createToken } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const FAMILIES = ["/v2/registry", "/v2/registries"] as const;
const SEVERAL =
  "This API is not supported if you have created multiple registries. Please use " +
  "‘/v2/registries/{registry_name}’ instead. Refer to " +
  "https://docs.digitalocean.com/reference/api/digitalocean/#tag/Container-Registry for more info.";
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

describe("an account without a registry", () => {
  test("is told so, and has an empty list", async () => {
    const tenant = await createTenant(atoll, "nothing");
    for (const method of ["GET", "DELETE"]) {
      const reply = await tenant.api(method, "/v2/registry");
      assertProblem(reply, 404, "not_found", /^registry does not exist$/);
    }
    for (const base of FAMILIES) {
      assertProblem(await tenant.api("GET", `${base}/subscription`), 404, "not_found");
    }
    const listed = await tenant.api("GET", "/v2/registries");
    assert.deepEqual([listed.status, listed.json.registries], [200, []]);
  });
});

describe("a registry", () => {
  test("is created by its name alone, on the starter tier and in a region of ours", async () => {
    const tenant = await createTenant(atoll, "by-name");
    const created = await tenant.api("POST", "/v2/registry", { name: "by-name" });
    assert.equal(created.status, 201, created.text);
    const { registry } = created.json;
    assert.match(registry.created_at, TIME);
    assert.match(registry.storage_usage_bytes_updated_at, TIME);
    assert.equal(registry.storage_usage_bytes, 0);
    assert.equal(registry.subscription?.tier.slug, "starter");
    const options = await tenant.api("GET", "/v2/registry/options");
    assert(options.json.options.available_regions.includes(registry.region));
    assert.equal((await tenant.api("GET", "/v2/registry")).json.registry.name, "by-name");
    const named = await tenant.api("GET", "/v2/registries/by-name");
    assert.equal(named.json.registry.region, registry.region);
    assert.equal(named.json.registry.subscription, undefined);
  });

  test("has its subscription's tier whole", async () => {
    const tenant = await createTenant(atoll, "whole-tier");
    const body = { name: "whole-tier", subscription_tier_slug: "basic", region: "fra1" };
    const { registry } = (await tenant.api("POST", "/v2/registry", body)).json;
    assert.equal(registry.region, "fra1");
    assert.deepEqual(registry.subscription?.tier, {
      name: "Basic",
      slug: "basic",
      included_repositories: 5,
      included_storage_bytes: 5_368_709_120,
      allow_storage_overage: true,
      included_bandwidth_bytes: 5_368_709_120,
      monthly_price_in_cents: 500,
      storage_overage_price_in_cents: 2,
    });
  });

  test("is not another account's to see or to delete", async () => {
    const owner = await createTenant(atoll, "owned");
    await createRegistry(owner);
    const other = await createTenant(atoll, "curious");
    for (const [method, target] of [
      ["GET", "/v2/registries/owned"],
      ["DELETE", "/v2/registries/owned"],
      ["GET", "/v2/registry/owned/repositories"],
      ["GET", "/v2/registries/owned/repositoriesV2"],
      ["GET", "/v2/registries/owned/docker-credentials"],
      ["POST", "/v2/registries/owned/garbage-collection"],
    ] as const) {
      const reply = await other.api(method, target);
      assertProblem(reply, 404, "not_found", /^registry does not exist$/);
    }
  });

  test("is listed with and without a slash at the end; with one, `registry` is there too", async () => {
    const tenant = await createTenant(atoll, "slashes");
    const none = await tenant.api("GET", "/v2/registries/");
    assert.deepEqual([none.status, none.json.registries, none.json.registry], [200, [], {}]);
    await createRegistry(tenant);
    const plain = await tenant.api("GET", "/v2/registries");
    assert.equal(plain.json.registries[0]?.name, "slashes");
    assert.equal("registry" in plain.json, false);
    const slashed = await tenant.api("GET", "/v2/registries/");
    assert.equal(slashed.json.registries[0]?.name, "slashes");
    assert.equal(slashed.json.registry.name, "slashes");
  });

  test("is deleted by its name or as the only one, and its name is free again", async () => {
    const tenant = await createTenant(atoll, "deleted");
    for (const target of ["/v2/registry", "/v2/registries/deleted"]) {
      await createRegistry(tenant);
      await push(atoll, tenant, "app", { tags: ["v1"] });
      const reply = await tenant.api("DELETE", target);
      assert.deepEqual([reply.status, reply.text], [204, ""]);
      assertProblem(await tenant.api("DELETE", target), 404, "not_found");
    }
    const { registry } = (await tenant.api("POST", "/v2/registries", { name: "deleted" })).json;
    assert.equal(registry.storage_usage_bytes, 0);
  });
});

describe("a registry's name", () => {
  const good = ["a", "a1", "my-registry", `a${"b".repeat(62)}`];
  const bad = ["", "-a", "a-", "1a", "A", "a_b", "a.b", "ä", `a${"b".repeat(63)}`, "a/b"];
  const reserved = ["docker-credentials", "options", "subscription", "validate-name"];

  for (const base of FAMILIES) {
    test(`is validated at ${base}/validate-name, before a registry is made`, async () => {
      const tenant = await createTenant(atoll, `validate${base.replaceAll("/", "-")}`);
      const ask = (name: unknown) => tenant.api("POST", `${base}/validate-name`, { name });
      for (const name of good) assert.equal((await ask(name)).status, 204, name);
      for (const name of [...bad, ...reserved, 7]) {
        assertProblem(await ask(name), 422, "unprocessable_entity", "name: ");
        assertProblem(
          await tenant.api("POST", base, { name, subscription_tier_slug: "basic" }),
          422,
          "unprocessable_entity",
          "name: ",
        );
      }
      assertProblem(
        await tenant.api("POST", `${base}/validate-name`, {}),
        422,
        "unprocessable_entity",
      );
    });
  }

  test("is taken for everybody: 409", async () => {
    await createRegistry(await createTenant(atoll, "taken"));
    const other = await createTenant(atoll, "latecomer");
    for (const base of FAMILIES) {
      for (const target of [base, `${base}/validate-name`]) {
        const reply = await other.api("POST", target, { name: "taken" });
        assertProblem(reply, 409, "conflict", /^name already exists$/);
      }
    }
  });
});

describe("a region", () => {
  test("is one of those of the family, or none, or empty", async () => {
    const tenant = await createProfessional(atoll, "regions");
    const create = (base: string, name: string, region: unknown) =>
      tenant.api("POST", base, { name, region, subscription_tier_slug: "professional" });
    assertProblem(
      await create("/v2/registry", "r1", "blr1"),
      422,
      "unprocessable_entity",
      "region",
    );
    assert.equal((await create("/v2/registries", "r2", "blr1")).json.registry.region, "blr1");
    assertProblem(await create("/v2/registries", "r3", "lon9"), 422, "unprocessable_entity");
    assert.equal((await create("/v2/registries", "r4", "")).status, 201);
    assert.equal((await create("/v2/registries", "r5", null)).status, 201);
  });
});

describe("several registries", () => {
  test("are for the professional tier, ten of them; else 422 in DigitalOcean's words", async () => {
    const tenant = await createTenant(atoll, "several");
    await createRegistry(tenant);
    for (const base of FAMILIES) {
      for (const tier of [{}, { subscription_tier_slug: "basic" }]) {
        const reply = await tenant.api("POST", base, { name: "several-2", ...tier });
        assertProblem(reply, 422, "unprocessable_entity", /^user already has a registry$/);
      }
    }
    const professional = { subscription_tier_slug: "professional" };
    for (let number = 2; number <= 10; number += 1) {
      const wanted = { name: `several-${number}`, ...(number === 2 ? professional : {}) };
      assert.equal((await tenant.api("POST", "/v2/registries", wanted)).status, 201);
    }
    const eleventh = await tenant.api("POST", "/v2/registries", { name: "several-11" });
    assertProblem(eleventh, 422, "unprocessable_entity", "user already has 10 registries");
    assert.equal((await tenant.api("GET", "/v2/registries")).json.registries.length, 10);
  });

  test("make the single family's own routes 412", async () => {
    const tenant = await createProfessional(atoll, "both-one");
    await createRegistry(tenant, { name: "both-two" });
    for (const [method, target] of [
      ["GET", "/v2/registry"],
      ["DELETE", "/v2/registry"],
      ["GET", "/v2/registry/docker-credentials"],
    ] as const) {
      const reply = await tenant.api(method, target);
      assertProblem(reply, 412, "precondition_failed");
      assert.equal(reply.json.message, SEVERAL);
    }
    const named = await tenant.api("GET", "/v2/registry/both-two/repositories");
    assert.equal(named.status, 200);
  });
});

describe("the registry's routes", () => {
  test("ask for their scopes", async () => {
    const name = "scopes";
    await createRegistry(await createTenant(atoll, name));
    const one = `/v2/registries/${name}`;
    const routes: readonly (readonly [string, string, string])[] = [
      ["POST", "/v2/registries", "create"],
      ["POST", "/v2/registry/validate-name", "create"],
      ["GET", "/v2/registries", "read"],
      ["GET", one, "read"],
      ["GET", "/v2/registry/options", "read"],
      ["GET", "/v2/registries/subscription", "read"],
      ["POST", "/v2/registries/subscription", "update"],
      ["GET", `${one}/docker-credentials`, "read"],
      ["GET", `${one}/repositoriesV2`, "read"],
      ["GET", `${one}/repositories/app/tags`, "read"],
      ["DELETE", `${one}/repositories/app`, "delete"],
      ["DELETE", `${one}/repositories/app/tags/v1`, "delete"],
      ["DELETE", `${one}/repositories/app/digests/sha256:0`, "delete"],
      ["POST", `${one}/garbage-collection`, "update"],
      ["GET", `${one}/garbage-collection`, "read"],
      ["GET", `${one}/garbage-collections`, "read"],
      ["PUT", `${one}/garbage-collection/none`, "update"],
      ["DELETE", one, "delete"],
    ];
    for (const verb of ["create", "read", "update", "delete"]) {
      const scopes = [`registry:${verb}`];
      const { secret } = await createToken(atoll, { account: `${name}@example.test`, scopes });
      for (const [method, target, needed] of routes) {
        if (needed === verb) continue;
        assertProblem(await atoll.api(method, target, { token: secret }), 403, "forbidden");
      }
    }
  });
});
