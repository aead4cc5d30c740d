import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { countingOrigin, fetchOnce, startEdge } from "../support.ts";

describe("what an origin has tagged", () => {
  test("is sent on without its tags, fetched or stored, and purged by each", async () => {
    const origin = countingOrigin({ "cache-tag": "News, sport", "surrogate-key": "front" });
    await using edge = await startEdge(origin.answer);
    for (const tag of ["news", "sport", "front"]) {
      const miss = await fetchOnce(edge, "/a");
      const hit = await fetchOnce(edge, "/a");
      for (const { fields } of [miss, hit]) {
        assert.equal(fields.get("cache-tag"), undefined);
        assert.equal(fields.get("surrogate-key"), undefined);
      }
      assert.equal(miss.fields.get("x-cache"), "MISS");
      assert.equal(hit.fields.get("x-cache"), "HIT");
      edge.purge(`tag:${tag}`);
    }
    assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "MISS");
    assert.equal(origin.fetches, 4);
  });

  test("keeps its tags when the origin confirms it and does not say them again", async () => {
    let fetches = 0;
    await using edge = await startEdge((incoming, response) => {
      fetches += 1;
      const isKnown = incoming.headers["if-none-match"] !== undefined;
      response.writeHead(isKnown ? 304 : 200, {
        etag: '"a"',
        "cache-control": "max-age=60",
        ...(isKnown ? {} : { "cache-tag": "news" }),
      });
      response.end();
    });
    await fetchOnce(edge, "/a");
    edge.clock.advance(61_000);
    assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "REVALIDATED");
    edge.purge("tag:news");
    assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "MISS");
    assert.equal(fetches, 3);
  });

  test("is passed on without them when it is for one client alone", async () => {
    const { answer } = countingOrigin({ "cache-tag": "a", "cache-control": "no-store" });
    await using edge = await startEdge(answer);
    assert.equal((await fetchOnce(edge, "/a")).fields.get("cache-tag"), undefined);
  });
});
