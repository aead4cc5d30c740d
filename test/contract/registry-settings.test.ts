import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { Retainer } from "#registry/retainer.ts";
import type { Delivery, DeliveryStore, Webhook } from "#registry/webhook.ts";
import { manifestText, pushImage, pushManifest } from "../support/images.ts";
import { openRegistryWorld } from "./registry-world.ts";

const LATER = Number.MAX_SAFE_INTEGER;

const webhook: Webhook = {
  id: "hook",
  url: "https://hooks.test/",
  events: ["push", "delete"],
  sealedSecret: "",
};

/** Takes what one webhook is to be told, in order. */
async function drain(deliveries: DeliveryStore): Promise<readonly Delivery[]> {
  const taken: Delivery[] = [];
  for (;;) {
    const [next] = deliveries.nextOfEach(LATER, "", 1);
    if (next === undefined) return taken;
    taken.push(next);
    await deliveries.settle(next.number);
  }
}

async function open() {
  const world = await openRegistryWorld();
  return { ...world, one: await world.registry(await world.account()) };
}

describe("SQLite as a SettingsStore", () => {
  test("keeps what is settled for a registry, until it is deleted", async () => {
    await using world = await open();
    const { registrySettings: store, one } = world;
    assert.deepEqual(store.settings(one.id), {});
    await store.change(one.id, { immutableTags: ["v*"] });
    const schedule = { everyHours: 1, type: "unreferenced blobs only" } as const;
    await store.change(one.id, { schedule });
    const settings = { immutableTags: ["v*"], schedule };
    assert.deepEqual(store.settings(one.id), settings);
    assert.deepEqual(store.scheduled(), [{ registryId: one.id, settings, collectedAt: undefined }]);
    await world.registries.delete(one.id);
    assert.equal(await store.change(one.id, { schedule: null }), undefined);
    assert.deepEqual(store.scheduled(), []);
  });

  test("deletes a tag as it was judged, and not one that was pushed since", async () => {
    await using world = await open();
    const { registrySettings: store, one } = world;
    const place = world.place(one);
    await pushImage(world.content, place, { layers: ["1"], tags: ["a", "b"] });
    const id = world.repositoryId(one);
    const judged = store.tagsAfter(id, "", 10);
    const moved = await pushImage(world.content, place, { layers: ["2"], tags: ["b"] });
    assert.equal(await store.deleteTags(id, judged), 1);
    const [left, ...others] = store.tagsAfter(id, "", 10);
    assert.deepEqual([left?.name, left?.digest, others], ["b", moved, []]);
  });

  test("has rules applied over more than a batch of tags and repositories", async () => {
    await using world = await open();
    const { registrySettings: store, one } = world;
    const tags = Array.from({ length: 1_201 }, (_, index) => `t${String(index).padStart(4, "0")}`);
    await pushImage(world.content, world.place(one, "b"), {});
    const text = manifestText({});
    await pushManifest(world.content, world.place(one, "b"), text, tags);
    await pushImage(world.content, world.place(one, "a"), { tags: ["only"] });
    await store.change(one.id, {
      retention: [{ repositories: ["*"], tags: ["*"], keepLast: 1 }],
    });
    const retainer = new Retainer(store, manualClock(LATER));
    assert.equal(await retainer.apply(one.id), 1_200);
    // All were pushed at once: then the last by name is the latest.
    assert.deepEqual(
      store.tagsAfter(world.repositoryId(one, "b"), "", 10).map(({ name }) => name),
      ["t1200"],
    );
    assert.equal(store.tagsAfter(world.repositoryId(one, "a"), "", 10).length, 1);
  });
});

describe("SQLite as a DeliveryStore", () => {
  test("has what happened since there was a webhook, of its registry alone", async () => {
    await using world = await open();
    const { deliveries, registrySettings, one } = world;
    const image = { tags: ["v1"] };
    await pushImage(world.content, world.place(one), image);
    await registrySettings.change(one.id, { webhooks: [webhook] });
    const digest = await pushImage(world.content, world.place(one), image);
    const other = await world.registry(one.accountId, "other");
    await pushImage(world.content, world.place(other), image);
    await world.repositories.deleteTag(world.repositoryId(one), "v1");
    const due = await drain(deliveries);
    const told = due.map(({ event, registry, repository, tag }) => [
      event,
      registry,
      repository,
      tag,
    ]);
    assert.deepEqual(told, [
      ["push", "images", "app", "v1"],
      ["delete", "images", "app", "v1"],
    ]);
    assert(due.every((delivery) => delivery.digest === digest && delivery.webhookId === "hook"));
  });

  test("has one that failed again when it is due, after those that are meanwhile", async () => {
    await using world = await open();
    const { deliveries, registrySettings, one } = world;
    await registrySettings.change(one.id, { webhooks: [webhook] });
    await pushImage(world.content, world.place(one), { tags: ["v1", "v2"] });
    const [first] = deliveries.nextOfEach(LATER, "", 10);
    assert(first !== undefined);
    assert.deepEqual(deliveries.nextOfEach(0, "", 10), []);
    await deliveries.retryAt(first.number, LATER);
    const told = await drain(deliveries);
    assert.deepEqual(
      told.map(({ tag, failures }) => [tag, failures]),
      [
        ["v2", 0],
        ["v1", 1],
      ],
    );
  });

  test("has the next of each webhook, by their ids, from any of them on", async () => {
    await using world = await open();
    const { deliveries, registrySettings, one } = world;
    const { url, events, sealedSecret } = webhook;
    const webhooks = ["b", "d", "a"].map((id) => ({ id, url, events, sealedSecret }));
    await registrySettings.change(one.id, { webhooks });
    await pushImage(world.content, world.place(one), { tags: ["v1", "v2"] });
    const next = (after: string, limit = 10) =>
      deliveries.nextOfEach(LATER, after, limit).map(({ webhookId, tag }) => [webhookId, tag]);
    assert.deepEqual(next("").flat(), ["a", "v1", "b", "v1", "d", "v1"]);
    assert.deepEqual(next("a", 1).flat(), ["b", "v1"]);
    assert.deepEqual(next("c").flat(), ["d", "v1"]);
    assert.deepEqual(next("d"), []);
  });

  test("keeps the latest thousand of a registry", async () => {
    await using world = await open();
    const { deliveries, registrySettings, one } = world;
    await registrySettings.change(one.id, { webhooks: [webhook] });
    await pushImage(world.content, world.place(one), {});
    const tags = Array.from({ length: 1_003 }, (_, index) => `t${index}`);
    await pushManifest(world.content, world.place(one), manifestText({}), tags);
    const kept = (await drain(deliveries)).map(({ tag }) => tag);
    assert.equal(kept.length, 1_000);
    assert(!kept.includes("t2") && kept.includes("t3") && kept.includes("t1002"));
  });
});
