import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { digestOf, manifestText } from "../support/images.ts";
import {
  createProfessional,
  createRegistry,
  createTenant,
  oci,
  push,
} from "../support/registry.ts";
import { assertProblem } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const FAMILIES = ["/v2/registry", "/v2/registries"] as const;

describe("repositories", () => {
  test("are listed with what was pushed last", async () => {
    const tenant = await createProfessional(atoll, "listed");
    const digest = await push(atoll, tenant, "my/app", { layers: ["layer"], tags: ["v1", "v2"] });
    await push(atoll, tenant, "bare", {});
    const first = await tenant.api("GET", "/v2/registry/listed/repositories");
    assert.equal(first.json.meta.total, 1);
    const [app] = first.json.repositories;
    assert.deepEqual([app?.name, app?.tag_count], ["my/app", 2]);
    assert.equal(app?.latest_tag.manifest_digest, digest);
    for (const base of FAMILIES) {
      const { json } = await tenant.api("GET", `${base}/listed/repositoriesV2`);
      const shown = json.repositories.map((each) => [
        each.name,
        each.tag_count,
        each.manifest_count,
      ]);
      assert.deepEqual(shown, [
        ["bare", 0, 1],
        ["my/app", 2, 1],
      ]);
      assert.deepEqual(json.repositories[1]?.latest_manifest?.tags, ["v2", "v1"]);
      assert.equal(json.meta.total, 2);
      assert.deepEqual(json.links, {});
    }
  });

  test("without a tag are no part of the first list; their manifests may all be gone", async () => {
    const tenant = await createProfessional(atoll, "untagged");
    const digest = await push(atoll, tenant, "app", { tags: ["v1"] });
    await tenant.api("DELETE", `/v2/registry/untagged/repositories/app/digests/${digest}`);
    const first = await tenant.api("GET", "/v2/registry/untagged/repositories");
    assert.deepEqual([first.json.repositories, first.json.meta.total], [[], 0]);
    const second = await tenant.api("GET", "/v2/registry/untagged/repositoriesV2");
    const [app] = second.json.repositories;
    assert.deepEqual([app?.manifest_count, app?.latest_manifest], [0, undefined]);
  });

  test("of the other family's first list, and its delete, are not there", async () => {
    const tenant = await createProfessional(atoll, "one-sided");
    await push(atoll, tenant, "app", { tags: ["v1"] });
    const list = await tenant.api("GET", "/v2/registries/one-sided/repositories");
    assertProblem(list, 404, "not_found");
    const target = "/v2/registry/one-sided/repositories/app";
    assertProblem(await tenant.api("DELETE", target), 404, "not_found");
    const { json } = await tenant.api("GET", "/v2/registry/one-sided/repositories");
    assert.equal(json.repositories.length, 1);
  });

  test("are paged by number or by token, and a token that is none is 400", async () => {
    const tenant = await createProfessional(atoll, "paged");
    for (const name of ["a", "b", "c"]) await push(atoll, tenant, name, { tags: ["v1"] });
    const list = "/v2/registries/paged/repositoriesV2";
    const page = async (target: string) => {
      const { status, json, text } = await tenant.api("GET", target);
      assert.equal(status, 200, text);
      return { names: json.repositories.map(({ name }) => name), pages: json.links.pages ?? {} };
    };
    const pathOf = (url: string | undefined) => {
      assert(url !== undefined && url.startsWith(`${atoll.url}/`), String(url));
      return url.slice(atoll.url.length);
    };
    const first = await page(`${list}?per_page=1`);
    assert.deepEqual([first.names, Object.keys(first.pages)], [["a"], ["next", "last"]]);
    const next = new URL(first.pages.next ?? "").searchParams;
    assert.deepEqual([...next.keys()].toSorted(), ["page", "page_token", "per_page"]);
    assert.equal(next.get("page"), "2");
    assert.equal(new URL(first.pages.last ?? "").searchParams.has("page_token"), false);
    const second = await page(pathOf(first.pages.next));
    assert.deepEqual(second.names, ["b"]);
    assert.deepEqual(Object.keys(second.pages).toSorted(), ["first", "last", "next", "prev"]);
    assert.deepEqual((await page(pathOf(second.pages.prev))).names, ["a"]);
    assert.deepEqual((await page(pathOf(second.pages.last))).names, ["c"]);
    const token = next.get("page_token") ?? "";
    assert.deepEqual((await page(`${list}?page=1&per_page=1&page_token=${token}`)).names, ["b"]);
    assert.deepEqual((await page(`${list}?page=9`)).names, []);
    for (const bad of [
      "x",
      "e30",
      `${token}x`,
      Buffer.from('{"offset":-1}').toString("base64url"),
    ]) {
      const reply = await tenant.api("GET", `${list}?page_token=${bad}`);
      assertProblem(reply, 400, "bad_request", "page_token");
    }
    const word = await tenant.api("GET", `${list}?page=one`);
    assertProblem(word, 422, "unprocessable_entity", "page");
  });

  test("are deleted whole, whichever way their slashes are written", async () => {
    const tenant = await createProfessional(atoll, "whole");
    for (const written of ["my%2Fapp", "my/app"]) {
      await push(atoll, tenant, "my/app", { layers: ["layer"], tags: ["v1"] });
      const target = `/v2/registries/whole/repositories/${written}`;
      assert.equal((await tenant.api("DELETE", target)).status, 204);
      const again = await tenant.api("DELETE", target);
      assertProblem(again, 404, "not_found", /^repository not found$/);
      const pulled = await oci(atoll, "GET", "/v2/whole/my/app/manifests/v1", tenant);
      assert.equal(pulled.status, 404);
    }
  });
});

describe("tags and manifests", () => {
  for (const base of FAMILIES) {
    for (const written of ["my%2Fdeep%2Fapp", "my/deep/app"]) {
      const name = `n${base.length}${written.length}`;
      const at = `${base}/${name}/repositories/${written}`;

      test(`are listed and deleted at ${at}`, async () => {
        const tenant = await createProfessional(atoll, name);
        const old = await push(atoll, tenant, "my/deep/app", { layers: ["old"], tags: ["v1"] });
        const image = { layers: ["new", "newer"], tags: ["v2", "latest"] };
        const digest = await push(atoll, tenant, "my/deep/app", image);
        const { json } = await tenant.api("GET", `${at}/tags`);
        assert.deepEqual(
          json.tags.map(({ tag }) => tag),
          ["latest", "v1", "v2"],
        );
        assert.deepEqual(
          { ...json.tags[0], updated_at: "" },
          {
            registry_name: name,
            repository: "my/deep/app",
            tag: "latest",
            manifest_digest: digest,
            compressed_size_bytes: 10,
            size_bytes: 10,
            updated_at: "",
          },
        );
        const { manifests } = (await tenant.api("GET", `${at}/digests`)).json;
        assert.equal(manifests.length, 2);
        const newer = manifests.find((each) => each.digest === digest);
        assert.deepEqual(newer?.tags, ["latest", "v2"]);
        assert.equal(newer.compressed_size_bytes, 10);
        assert.deepEqual(
          new Set(newer.blobs.map((blob) => blob.digest)),
          new Set(["{}", "new", "newer"].map(digestOf)),
        );
        assert.equal((await tenant.api("DELETE", `${at}/tags/v2`)).status, 204);
        assert.equal((await tenant.api("DELETE", `${at}/digests/${digest}`)).status, 204);
        const left = await tenant.api("GET", `${at}/tags`);
        assert.deepEqual(
          left.json.tags.map(({ tag }) => tag),
          ["v1"],
        );
        const escaped = old.replace(":", "%3A");
        assert.equal((await tenant.api("DELETE", `${at}/digests/${escaped}`)).status, 204);
        assert.deepEqual((await tenant.api("GET", `${at}/digests`)).json.manifests, []);
      });
    }
  }

  test("that are not there are 404, each by its name", async () => {
    const tenant = await createProfessional(atoll, "absent");
    await push(atoll, tenant, "app", { tags: ["v1"] });
    const unknown = digestOf("unknown");
    for (const base of FAMILIES) {
      for (const [method, target, message] of [
        ["GET", "/nobody/repositories/app/tags", "registry does not exist"],
        ["DELETE", "/nobody/repositories/app/tags/v1", "registry does not exist"],
        ["DELETE", `/nobody/repositories/app/digests/${unknown}`, "registry does not exist"],
        ["GET", "/absent/repositories/none/tags", "repository not found"],
        ["GET", "/absent/repositories/none/digests", "repository not found"],
        ["DELETE", "/absent/repositories/none/tags/v1", "repository not found"],
        ["DELETE", "/absent/repositories/app/tags/v2", "tag not found"],
        ["DELETE", `/absent/repositories/app/digests/${unknown}`, "manifest not found"],
        ["DELETE", "/absent/repositories/app/digests/nonsense", "manifest not found"],
      ] as const) {
        const reply = await tenant.api(method, base + target);
        assertProblem(reply, 404, "not_found", new RegExp(`^${message}$`));
      }
    }
  });

  test("called by dots are not there, and what is above them stays", async () => {
    const tenant = await createProfessional(atoll, "dots");
    await push(atoll, tenant, "app", { tags: ["v1"] });
    const at = "/v2/registries/dots/repositories";
    for (const target of [`${at}/app/tags/..`, `${at}/app/digests/%2e%2e`, `${at}/..`, `${at}/.`]) {
      assertProblem(await tenant.api("DELETE", target), 404, "not_found");
    }
    assert.equal((await tenant.api("GET", `${at}/app/tags`)).json.meta.total, 1);
  });

  test("are paged, with all of a page's links", async () => {
    const tenant = await createProfessional(atoll, "many-tags");
    await push(atoll, tenant, "app", { tags: ["v1", "v2", "v3"] });
    const at = "/v2/registry/many-tags/repositories/app/tags";
    const { json } = await tenant.api("GET", `${at}?per_page=1&page=2`);
    assert.deepEqual([json.tags[0]?.tag, json.meta.total], ["v2", 3]);
    assert.equal(json.links.pages?.next, `${atoll.url}${at}?per_page=1&page=3`);
    assertProblem(await tenant.api("GET", `${at}?per_page=0`), 422, "unprocessable_entity");
  });

  test("are what a pull gets", async () => {
    const tenant = await createProfessional(atoll, "pulled");
    const image = { layers: ["layer"], tags: ["v1"] };
    const digest = await push(atoll, tenant, "app", image);
    const pulled = await oci(atoll, "GET", "/v2/pulled/app/manifests/v1", tenant);
    assert.equal(pulled.text, manifestText(image));
    assert.equal(pulled.headers["docker-content-digest"], digest);
    await tenant.api("DELETE", "/v2/registries/pulled/repositories/app/tags/v1");
    assert.equal((await oci(atoll, "GET", "/v2/pulled/app/manifests/v1", tenant)).status, 404);
    const kept = await oci(atoll, "GET", `/v2/pulled/app/manifests/${digest}`, tenant);
    assert.equal(kept.status, 200);
  });
});

describe("a tier", () => {
  test("bounds repositories at the push, in words that people search for", async () => {
    const tenant = await createTenant(atoll, "bounded");
    await createRegistry(tenant);
    await push(atoll, tenant, "first", { tags: ["v1"] });
    const target = "/v2/bounded/second/blobs/uploads/";
    const refused = await oci(atoll, "POST", target, { ...tenant, body: "" });
    assert.equal(refused.status, 403);
    const { errors } = JSON.parse(refused.text) as { errors: { code: string; message: string }[] };
    assert.equal(errors[0]?.code, "DENIED");
    assert.match(errors[0].message, /^registry contains 1 repositories, limit is 1/);
    await push(atoll, tenant, "first", { layers: ["more"], tags: ["v2"] });
    await tenant.api("POST", "/v2/registry/subscription", { tier_slug: "basic" });
    await push(atoll, tenant, "second", { tags: ["v1"] });
  });

  test("is changed to one that has room, and refused to one that has none", async () => {
    const tenant = await createTenant(atoll, "moving");
    await createRegistry(tenant, { subscription_tier_slug: "basic" });
    await push(atoll, tenant, "a", { tags: ["v1"] });
    await push(atoll, tenant, "b", { tags: ["v1"] });
    for (const base of FAMILIES) {
      const change = (slug: unknown) =>
        tenant.api("POST", `${base}/subscription`, { tier_slug: slug });
      const refused = await change("starter");
      assertProblem(refused, 412, "precondition_failed");
      const reason = "registry is not eligible for tier because: [OverRepositoryLimit]";
      assert.equal(refused.json.message, reason);
      for (const bad of ["gold", 1, undefined]) {
        assertProblem(await change(bad), 422, "unprocessable_entity", "tier_slug");
      }
      const changed = await change("professional");
      assert.equal(changed.json.subscription.tier.slug, "professional");
      const shown = await tenant.api("GET", `${base}/subscription`);
      assert.deepEqual(shown.json.subscription, changed.json.subscription);
      const { options } = (await tenant.api("GET", `${base}/options`)).json;
      const eligible = options.subscription_tiers.map((tier) => [
        tier["slug"],
        tier["eligible"],
        tier["eligibility_reasons"],
      ]);
      assert.deepEqual(eligible, [
        ["starter", false, ["OverRepositoryLimit"]],
        ["basic", true, []],
        ["professional", true, []],
      ]);
    }
    await createRegistry(tenant, { name: "moving-too" });
    const refused = await tenant.api("POST", "/v2/registries/subscription", { tier_slug: "basic" });
    assertProblem(refused, 412, "precondition_failed", "[OverRegistryLimit]");
  });
});
