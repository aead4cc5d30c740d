import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { digestOf } from "../support/images.ts";
import { createProfessional, oci, push, type Tenant } from "../support/registry.ts";
import { until } from "../support/until.ts";
import { assertProblem } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const FAMILIES = ["/v2/registry", "/v2/registries"] as const;

/** Waits for the end of a registry's latest collection. */
async function ended(tenant: Tenant) {
  return until("the collection ends", async () => {
    const { json } = await tenant.api("GET", `/v2/registry/${tenant.name}/garbage-collections`);
    const [latest] = json.garbage_collections;
    return latest !== undefined && /^(?:succeeded|failed|cancelled)$/.test(latest.status) && latest;
  });
}

async function start(tenant: Tenant, body?: unknown) {
  const target = `/v2/registries/${tenant.name}/garbage-collection`;
  const reply = await tenant.api("POST", target, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.json.garbage_collection;
}

describe("garbage collection", () => {
  test("frees what no manifest needs, at the registry and on the disk", async () => {
    const tenant = await createProfessional(atoll, "freed");
    const digest = await push(atoll, tenant, "app", { layers: ["0123456789"], tags: ["v1"] });
    await tenant.api("DELETE", `/v2/registries/freed/repositories/app/digests/${digest}`);
    const used = async () => (await tenant.api("GET", "/v2/registry")).json.registry;
    assert.equal((await used()).storage_usage_bytes, 12);
    const started = await start(tenant);
    assert.equal(started.type, "unreferenced blobs only");
    assert.equal(started.status, "requested");
    assert.equal(started.registry_name, "freed");
    const { uuid, status, blobs_deleted, freed_bytes } = await ended(tenant);
    assert.deepEqual([uuid, status], [started.uuid, "succeeded"]);
    assert.deepEqual([blobs_deleted, freed_bytes], [2, 12]);
    assert.equal((await used()).storage_usage_bytes, 0);
    const blob = `/v2/freed/app/blobs/${digestOf("0123456789")}`;
    assert.equal((await oci(atoll, "GET", blob, tenant)).status, 404);
    const image = { layers: ["0123456789"], tags: ["v2"] };
    await push(atoll, tenant, "app", image);
    assert.equal((await oci(atoll, "GET", blob, tenant)).text, "0123456789");
  });

  test("takes each type, and no other", async () => {
    const tenant = await createProfessional(atoll, "types");
    await push(atoll, tenant, "app", { layers: ["old"], tags: ["latest"] });
    await push(atoll, tenant, "app", { layers: ["new"], tags: ["latest"] });
    const count = async () => {
      const { json } = await tenant.api("GET", "/v2/registry/types/repositories/app/digests");
      return json.manifests.length;
    };
    const deleted: (readonly [string, number, number])[] = [];
    for (const type of [
      "unreferenced blobs only",
      "untagged manifests only",
      "untagged manifests and unreferenced blobs",
    ]) {
      await start(tenant, { type });
      const collection = await ended(tenant);
      assert.equal(collection.status, "succeeded");
      deleted.push([collection.type, collection.blobs_deleted, await count()]);
    }
    assert.deepEqual(deleted, [
      ["unreferenced blobs only", 0, 2],
      ["untagged manifests only", 0, 1],
      ["untagged manifests and unreferenced blobs", 1, 1],
    ]);
    for (const type of ["everything", 1]) {
      const target = "/v2/registry/types/garbage-collection";
      const reply = await tenant.api("POST", target, { type });
      assertProblem(reply, 422, "unprocessable_entity", "type", "unreferenced blobs only");
    }
  });

  for (const base of FAMILIES) {
    test(`is one at a time, seen and cancelled at ${base}`, async () => {
      const tenant = await createProfessional(atoll, `gc-${base.slice(4)}`);
      const at = `${base}/${tenant.name}/garbage-collection`;
      assertProblem(await tenant.api("GET", at), 404, "not_found");
      const started = await tenant.api("POST", at);
      assert.equal(started.status, 201, started.text);
      const { uuid } = started.json.garbage_collection;
      assertProblem(await tenant.api("POST", at, {}), 409, "conflict");
      const active = await tenant.api("GET", at);
      assert.equal(active.json.garbage_collection.uuid, uuid);
      const kept = await tenant.api("PUT", `${at}/${uuid}`, { cancel: false });
      assert.equal(kept.json.garbage_collection.status, "requested");
      const cancelled = await tenant.api("PUT", `${at}/${uuid}`, { cancel: true });
      assert.equal(cancelled.json.garbage_collection.status, "cancelling");
      assert.equal((await ended(tenant)).status, "cancelled");
      assertProblem(await tenant.api("GET", at), 404, "not_found");
      assertProblem(await tenant.api("PUT", `${at}/${uuid}`, { cancel: true }), 409, "conflict");
      const unknown = `${at}/eff0feee-49c7-4e8f-ba5c-a320c109c8a8`;
      assertProblem(await tenant.api("PUT", unknown, { cancel: true }), 404, "not_found");
      assertProblem(
        await tenant.api("PUT", `${at}/${uuid}`, { cancel: "yes" }),
        422,
        "unprocessable_entity",
        "cancel",
      );
    });
  }

  test("has a history, the latest first, in pages", async () => {
    const tenant = await createProfessional(atoll, "history");
    const uuids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      uuids.unshift((await start(tenant)).uuid);
      await ended(tenant);
    }
    const list = "/v2/registries/history/garbage-collections";
    const all = await tenant.api("GET", list);
    assert.deepEqual(
      all.json.garbage_collections.map(({ uuid }) => uuid),
      uuids,
    );
    const page = await tenant.api("GET", `${list}?per_page=1&page=2`);
    assert.equal(page.json.garbage_collections[0]?.uuid, uuids[1]);
    assert.equal(page.json.meta.total, 3);
  });

  test("goes on where it was when the server was killed", async () => {
    const tenant = await createProfessional(atoll, "killed");
    const digest = await push(atoll, tenant, "app", { layers: ["layer"], tags: ["v1"] });
    await tenant.api("DELETE", `/v2/registries/killed/repositories/app/digests/${digest}`);
    const { uuid } = await start(tenant);
    await atoll.kill();
    await atoll.start();
    const collection = await ended(tenant);
    assert.deepEqual([collection.uuid, collection.status], [uuid, "succeeded"]);
    assert.equal(collection.blobs_deleted, 2);
  });
});
