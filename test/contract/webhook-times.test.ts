import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { manualClock } from "#clock.ts";
import { migrate } from "#sqlite/migrate.ts";
import { sqliteContent } from "#sqlite/oci-store.ts";
import { sqliteRepositories } from "#sqlite/registry-content-store.ts";
import { sqliteDeliveries } from "#sqlite/registry-deliveries.ts";
import { sqliteRegistrySettings } from "#sqlite/registry-settings.ts";
import { sqliteRegistries } from "#sqlite/registry-store.ts";
import { writeGroupRunner } from "#sqlite/write-group.ts";
import type { WriteName } from "#sqlite/write-message.ts";
import type { Writer } from "#sqlite/writer.ts";
import { placeOf, pushImage } from "../support/images.ts";

/** Writes as the writer's thread makes them, here and at a time of our own. */
function writerHere(db: DatabaseSync, now: () => number): Writer {
  const run = writeGroupRunner(db, now);
  const here = {
    run: async (name: WriteName, ...args: readonly unknown[]) => {
      const [outcome] = run([{ id: 1, name, arguments: args }]).outcomes;
      if (outcome?.kind === "done") return outcome.value;
      throw outcome?.error;
    },
  };
  return here as unknown as Writer;
}

test("a delivery says when it was, by the clock of the writes, however a tag was deleted", async () => {
  const clock = manualClock(1_000);
  using db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
  migrate(db);
  db.exec("INSERT INTO account VALUES (1, 'uuid', 'a@example.net', 'a', 0)");
  const writer = writerHere(db, () => clock.now());
  const [content, repositories] = [sqliteContent(db, writer), sqliteRepositories(db, writer)];
  const settings = sqliteRegistrySettings(db, writer);
  const wanted = { accountId: 1, name: "images", region: "nyc3", createdAt: 0 };
  const made = await sqliteRegistries(db, writer).create(wanted, "professional");
  assert(made.kind === "created");
  const webhook = { id: "hook", url: "https://hooks.test/", sealedSecret: "" };
  await settings.change(made.registry.id, {
    webhooks: [{ ...webhook, events: ["push", "delete"] }],
  });
  const place = placeOf(1, "images", "app");
  const tags = ["api", "digest", "rule", "tag"];
  const digest = await pushImage(content, place, { tags });
  const id = content.findRepository(1, place.name) ?? 0;
  const judged = settings.tagsAfter(id, "q", 1);
  clock.advance(60_000);
  await content.deleteReference(place, { kind: "tag", tag: "tag" });
  await repositories.deleteTag(id, "api");
  await settings.deleteTags(id, judged);
  await repositories.deleteManifest(id, digest);
  const deliveries = sqliteDeliveries(db, writer);
  const told: unknown[] = [];
  for (;;) {
    const [next] = deliveries.nextOfEach(clock.now(), "", 1);
    if (next === undefined) break;
    told.push([next.event, next.tag, next.digest === digest, next.at]);
    await deliveries.settle(next.number);
  }
  assert.deepEqual(told, [
    ...tags.map((tag) => ["push", tag, true, 1_000]),
    ...["tag", "api", "rule", "digest"].map((tag) => ["delete", tag, true, 61_000]),
  ]);
});
