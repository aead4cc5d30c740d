import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { countingOrigin } from "../support.ts";
import { startWorkers } from "./support.ts";

const ONLY = { "cache-control": "only-if-cached" };

describe("RFC 9111 §5.2.1.7: a request that wants only what is stored", () => {
  test("has what another worker has stored, as old as it is", async () => {
    const origin = countingOrigin({ "cache-control": "max-age=60" });
    await using workers = await startWorkers(origin.answer, { proxy: true });
    await workers.ownerOf("/a").get("/a");
    workers.clock.advance(7_000);
    const { status, text, fields } = await workers.otherOf("/a").get("/a", ONLY);
    assert.deepEqual([status, text], [200, "0123456789"]);
    assert.deepEqual([fields["x-cache"], fields["age"]], ["HIT", "7"]);
    assert.equal(fields["cache-status"], "Atoll; hit; ttl=53");
    assert.equal(origin.fetches, 1);
  });

  test("is a 504 where no worker has it fresh, and the origin hears nothing of it", async () => {
    const origin = countingOrigin({ "cache-control": "max-age=60, must-revalidate", etag: '"a"' });
    await using workers = await startWorkers(origin.answer, { proxy: true });
    for (const { get } of workers.all) assert.equal((await get("/a", ONLY)).status, 504);
    assert.equal(origin.fetches, 0);
    for (const { get } of workers.all) await get("/a");
    workers.clock.advance(61_000);
    for (const { get } of workers.all) assert.equal((await get("/a", ONLY)).status, 504);
    assert.equal(origin.fetches, 1);
  });

  test("is a 504 where the owner cannot be asked", async () => {
    const origin = countingOrigin({ "cache-control": "max-age=60" });
    await using workers = await startWorkers(origin.answer, { proxy: true });
    await workers.ownerOf("/a").get("/a");
    await workers.ownerOf("/a").endDoor();
    assert.equal((await workers.otherOf("/a").get("/a", ONLY)).status, 504);
    assert.equal(origin.fetches, 1);
  });

  test("holds up nobody who would have it fetched", async () => {
    const origin = countingOrigin({ "cache-control": "max-age=60" });
    await using workers = await startWorkers(origin.answer, { proxy: true });
    const { get } = workers.otherOf("/a");
    const [only, any] = await Promise.all([get("/a", ONLY), get("/a")]);
    assert.equal(any.text, "0123456789");
    // Which of the two came first is nobody's to say.
    assert([200, 504].includes(only.status));
    assert.equal(origin.fetches, 1);
  });
});
