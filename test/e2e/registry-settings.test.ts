import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { createProfessional, oci, push, type Tenant } from "../support/registry.ts";
import { until } from "../support/until.ts";
import { assertProblem } from "../support/world.ts";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

const settingsOf = (tenant: Tenant) => `/v2/registries/${tenant.name}/settings`;

async function settle(tenant: Tenant, body: object) {
  const reply = await tenant.api("PATCH", settingsOf(tenant), body);
  assert.equal(reply.status, 200, reply.text);
  return reply.json.settings;
}

async function tagsOf(tenant: Tenant, repository: string): Promise<readonly string[]> {
  const target = `/v2/registries/${tenant.name}/repositories/${repository}/tags`;
  return (await tenant.api("GET", target)).json.tags.map(({ tag }) => tag);
}

describe("a registry's settings", () => {
  test("are off at first, change by what is given, and go by null", async () => {
    const tenant = await createProfessional(atoll, "settled");
    const off = { immutable_tags: [], retention: [], schedule: null, webhooks: [] };
    const first = await tenant.api("GET", settingsOf(tenant));
    assert.deepEqual(first.json.settings, off);
    const rule = { repositories: ["*"], tags: ["*"], keep_last: 3, keep_days: null };
    const schedule = { every_hours: 24, type: "unreferenced blobs only" };
    assert.deepEqual(await settle(tenant, { retention: [{ keep_last: 3 }] }), {
      ...off,
      retention: [rule],
    });
    await settle(tenant, { schedule: { every_hours: 24 }, immutable_tags: ["v*"] });
    const all = { ...off, immutable_tags: ["v*"], retention: [rule], schedule };
    assert.deepEqual((await tenant.api("GET", settingsOf(tenant))).json.settings, all);
    const none = { retention: null, schedule: null, immutable_tags: null };
    assert.deepEqual(await settle(tenant, none), off);
  });

  test("are checked, each member by its name", async () => {
    const tenant = await createProfessional(atoll, "checked");
    for (const [body, word] of [
      [{ imutable_tags: [] }, "imutable_tags"],
      [{ immutable_tags: ["a b"] }, "immutable_tags"],
      [{ retention: [{}] }, "keep_last"],
      [{ retention: [{ keep_last: -1 }] }, "keep_last"],
      [{ retention: [{ keep_days: 1, tags: [] }] }, "tags"],
      [{ schedule: { every_hours: 0 } }, "every_hours"],
      [{ schedule: { every_hours: 1, type: "all" } }, "type"],
    ] as const) {
      const reply = await tenant.api("PATCH", settingsOf(tenant), body);
      assertProblem(reply, 422, "unprocessable_entity", word);
    }
  });
});

describe("an immutable tag", () => {
  test("is neither moved nor deleted, by any way; others are", async () => {
    const tenant = await createProfessional(atoll, "immutable");
    const digest = await push(atoll, tenant, "app", { layers: ["1"], tags: ["v1", "latest"] });
    await settle(tenant, { immutable_tags: ["v*"] });
    await push(atoll, tenant, "app", { layers: ["1"], tags: ["v1", "v2"] });
    const other = await push(atoll, tenant, "app", { layers: ["2"], tags: ["latest"] });
    const manifest = await oci(atoll, "GET", `/v2/immutable/app/manifests/${other}`, tenant);
    const moved = await oci(atoll, "PUT", "/v2/immutable/app/manifests/v1", {
      ...tenant,
      body: manifest.text,
      type: "application/vnd.oci.image.manifest.v1+json",
    });
    assert.equal(moved.status, 403, moved.text);
    assert.match(moved.text, /immutable/);
    const at = "/v2/registries/immutable/repositories/app";
    for (const target of [`${at}/tags/v1`, `${at}/digests/${digest}`]) {
      assertProblem(await tenant.api("DELETE", target), 409, "conflict", /^tag v\d is immutable/);
    }
    assert.equal((await tenant.api("DELETE", `${at}/tags/latest`)).status, 204);
    await settle(tenant, { immutable_tags: [] });
    assert.equal((await tenant.api("DELETE", `${at}/tags/v1`)).status, 204);
  });
});

describe("retention rules", () => {
  test("show what they would delete, and delete that and nothing else when told to", async () => {
    const tenant = await createProfessional(atoll, "retained");
    for (const number of [1, 2, 3, 4]) {
      await push(atoll, tenant, "team/app", { layers: [`${number}`], tags: [`build-${number}`] });
    }
    await push(atoll, tenant, "team/app", { tags: ["release-1"] });
    await push(atoll, tenant, "other", { tags: ["build-1", "build-2"] });
    const at = "/v2/registries/retained/retention";
    const rules = [{ repositories: ["team/*"], tags: ["build-*"], keep_last: 1 }];
    const dry = await tenant.api("POST", `${at}/preview`, { retention: rules });
    assert.deepEqual(
      dry.json.tags.map(({ repository, tag }) => `${repository}:${tag}`),
      ["team/app:build-1", "team/app:build-2", "team/app:build-3"],
    );
    assert.equal(dry.json.total, 3);
    const settled = await tenant.api("POST", `${at}/preview`);
    assert.deepEqual([settled.status, settled.json.total], [200, 0]);
    await settle(tenant, { retention: rules, immutable_tags: ["build-2"] });
    assert.equal((await tenant.api("POST", `${at}/preview`)).json.total, 2);
    const applied = await tenant.api("POST", at);
    assert.equal(applied.text, '{"deleted":2}');
    assert.deepEqual(await tagsOf(tenant, "team/app"), ["build-2", "build-4", "release-1"]);
    assert.deepEqual(await tagsOf(tenant, "other"), ["build-1", "build-2"]);
  });

  test("by days keep what was pushed within them", async () => {
    const tenant = await createProfessional(atoll, "recent");
    await push(atoll, tenant, "app", { tags: ["v1"] });
    await settle(tenant, { retention: [{ keep_days: 1, keep_last: 0 }] });
    const reply = await tenant.api("POST", "/v2/registries/recent/retention");
    assert.equal(reply.text, '{"deleted":0}');
    await settle(tenant, { retention: [{ keep_last: 0 }] });
    await tenant.api("POST", "/v2/registries/recent/retention");
    assert.deepEqual(await tagsOf(tenant, "app"), []);
  });
});

describe("a schedule", () => {
  test("applies the rules, and then collects", async () => {
    const tenant = await createProfessional(atoll, "scheduled");
    await push(atoll, tenant, "app", { layers: ["old"], tags: ["old"] });
    await push(atoll, tenant, "app", { layers: ["new"], tags: ["new"] });
    await settle(tenant, {
      retention: [{ keep_last: 1 }],
      schedule: { every_hours: 24, type: "untagged manifests and unreferenced blobs" },
    });
    // Schedules are looked at once a minute, and at each start.
    await atoll.restart();
    const list = "/v2/registries/scheduled/garbage-collections";
    const [collection] = await until("the schedule is carried out", async () => {
      const { json } = await tenant.api("GET", list);
      return json.garbage_collections[0]?.status === "succeeded" && json.garbage_collections;
    });
    assert.deepEqual([collection?.blobs_deleted, collection?.freed_bytes], [1, 3]);
    assert.deepEqual(await tagsOf(tenant, "app"), ["new"]);
    await atoll.restart();
    assert.equal((await tenant.api("GET", list)).json.meta.total, 1);
  });
});
