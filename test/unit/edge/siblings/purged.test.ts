import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ASK } from "../../../support/ask.ts";
import { countingOrigin, endpoint } from "../support.ts";
import { startWorkers } from "./support.ts";

const FRESH = { "cache-control": "max-age=60", "cache-tag": "fruit,red" };

describe("what was purged", () => {
  test("does not come back from an owner who has yet to hear of it", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    const [owner, other] = [workers.ownerOf("/a"), workers.otherOf("/a")];
    for (const { get } of workers.all) await get("/a");
    origin.body = "9876543210";
    other.purge("/a");
    const asked = other.get("/a");
    while (other.siblings.counts.asked < 2) await other.get("/", { "cdn-loop": "atoll" });
    assert.equal((await owner.get("/a")).text, "0123456789");
    owner.purge("/a");
    assert.equal((await asked).text, "9876543210");
    assert.equal(origin.fetches, 2);
  });

  test("is fetched by the asker itself, if the owner does not hear of it in time", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    for (const { get } of workers.all) await get("/a");
    origin.body = "9876543210";
    const other = workers.otherOf("/a");
    other.purge("/a");
    const { text, fields } = await other.get("/a");
    assert.deepEqual([text, fields["x-cache"]], ["9876543210", "MISS"]);
    assert.equal(other.siblings.counts.failed, 1);
  });

  test("may be known by its tag, wherever it came from", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    for (const { get } of workers.all)
      assert.equal((await get("/a")).fields["cache-tag"], undefined);
    origin.body = "9876543210";
    for (const { purge } of workers.all) purge("tag:red");
    for (const { get } of workers.all) assert.equal((await get("/a")).text, "9876543210");
    assert.equal(origin.fetches, 2);
  });

  test("softly stays stale wherever it goes, until the origin has been asked", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    await workers.ownerOf("/a").get("/a");
    const number = 2;
    for (const { feed } of workers.all) {
      feed.apply([{ number, kind: "purge", id: endpoint.id, patterns: ["/a"], soft: true }]);
    }
    origin.body = "9876543210";
    const { get } = workers.otherOf("/a");
    const stale = await get("/a");
    assert.deepEqual([stale.text, stale.fields["x-cache"]], ["0123456789", "STALE"]);
    for (let tries = 0; tries < 100 && origin.fetches < 2; tries += 1) await get("/a");
    assert.equal(origin.fetches, 2);
    let last = await get("/a");
    for (let tries = 0; tries < 100 && last.fields["x-cache"] === "STALE"; tries += 1) {
      last = await get("/a");
    }
    assert.deepEqual([last.text, last.fields["x-cache"]], ["9876543210", "HIT"]);
  });
});

describe("an unsafe method that succeeds", () => {
  test("ends what every worker has stored, before it is answered", async () => {
    let content = "old";
    await using workers = await startWorkers(
      (incoming, response) => {
        if (incoming.method === "POST") content = "new";
        response.setHeader("cache-control", "max-age=60").end(content);
      },
      { proxy: true, workers: 3 },
    );
    for (const { get } of workers.all) assert.equal((await get("/a")).text, "old");
    const { url } = workers.otherOf("/a");
    await ASK["HTTP/1.1"](`${url}/a`, {
      method: "POST",
      fields: { host: "static.nyc3.cdn.spaces.localhost" },
      body: "x",
    });
    for (const { get } of workers.all) assert.equal((await get("/a")).text, "new");
  });
});
