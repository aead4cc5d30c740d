import assert from "node:assert/strict";
import type { OutgoingHttpHeaders, RequestListener } from "node:http";
import { describe, test } from "node:test";
import { type EdgeUnderTest, endpoint, fetchOnce, roundTrip, startEdge } from "../support.ts";

/** Fails with this, until it is there. */
function failingOrigin(status: number, headers: OutgoingHttpHeaders = {}) {
  const origin = {
    fetches: 0,
    isThere: false,
    answer: ((_incoming, response) => {
      origin.fetches += 1;
      if (origin.isThere) response.writeHead(200, { etag: '"a"' }).end("there");
      else response.writeHead(status, headers).end("failed");
    }) satisfies RequestListener,
  };
  return origin;
}

async function said(edge: EdgeUnderTest): Promise<readonly unknown[]> {
  const { status, fields } = await fetchOnce(edge, "/a");
  return [status, fields.get("cache-status")];
}

const MISS = "Atoll; fwd=uri-miss; stored";

describe("a failure of a Space's store", () => {
  for (const status of [403, 404, 410, 500, 502, 503, 504]) {
    test(`is kept as a ${status} for 10 s, and the store is asked again then`, async () => {
      const origin = failingOrigin(status);
      await using edge = await startEdge(origin.answer);
      assert.deepEqual(await said(edge), [status, MISS]);
      edge.clock.advance(9_999);
      assert.deepEqual(await said(edge), [status, "Atoll; hit; ttl=1"]);
      origin.isThere = true;
      edge.clock.advance(1);
      assert.deepEqual(await said(edge), [200, "Atoll; fwd=stale; stored"]);
      assert.deepEqual(await said(edge), [200, "Atoll; hit; ttl=3600"]);
      assert.equal(origin.fetches, 2);
    });
  }

  test("tells caches downstream no longer lifetime than its own", async () => {
    const origin = failingOrigin(404);
    await using edge = await startEdge(origin.answer);
    const { fields } = await fetchOnce(edge, "/a");
    assert.equal(fields.get("cache-control"), "max-age=10");
  });

  test("is kept for less where the endpoint's TTL is less", async () => {
    const origin = failingOrigin(404);
    await using edge = await startEdge(origin.answer);
    edge.feed.apply([{ number: 2, kind: "endpoint-put", endpoint: { ...endpoint, ttl: 5 } }]);
    await fetchOnce(edge, "/a");
    edge.clock.advance(5_000);
    origin.isThere = true;
    assert.equal((await said(edge))[0], 200);
  });

  test("is kept for less where its origin says so, and not at all for no-store", async () => {
    for (const [cacheControl, fetches] of [
      ["max-age=2", 1],
      ["max-age=0", 2],
      ["no-store", 2],
    ] as const) {
      const origin = failingOrigin(404, { "cache-control": cacheControl });
      await using edge = await startEdge(origin.answer);
      await fetchOnce(edge, "/a");
      edge.clock.advance(1_999);
      await fetchOnce(edge, "/a");
      assert.equal(origin.fetches, fetches, cacheControl);
    }
  });

  for (const [what, purge] of [
    ["purged by its path", ["/a"]],
    ["purged with everything", ["/*"]],
  ] as const) {
    test(`is gone at once when it is ${what}`, async () => {
      const origin = failingOrigin(404);
      await using edge = await startEdge(origin.answer);
      await fetchOnce(edge, "/a");
      origin.isThere = true;
      edge.purge(...purge);
      assert.deepEqual(await said(edge), [200, MISS]);
    });
  }

  test("is not served stale, whatever else has failed since", async () => {
    const origin = failingOrigin(500);
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a");
    edge.clock.advance(10_000);
    assert.deepEqual(await said(edge), [500, "Atoll; fwd=stale; stored"]);
  });

  test("is not kept where what it would take the place of may still be confirmed", async () => {
    const origin = failingOrigin(500);
    origin.isThere = true;
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a");
    edge.clock.advance(3_600_000);
    origin.isThere = false;
    // The owner's old file, which beats none.
    assert.deepEqual(await said(edge), [
      200,
      "Atoll; fwd=stale; fwd-status=500; ttl=0; detail=stale-if-error",
    ]);
    origin.isThere = true;
    edge.clock.advance(1_000);
    assert.deepEqual(await said(edge), [200, "Atoll; fwd=stale; stored"]);
  });

  test("takes the place of what is stored, if it is a 404", async () => {
    const origin = failingOrigin(404);
    origin.isThere = true;
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a");
    edge.clock.advance(3_600_000);
    origin.isThere = false;
    assert.deepEqual(await said(edge), [404, "Atoll; fwd=stale; stored"]);
    assert.deepEqual(await said(edge), [404, "Atoll; hit; ttl=10"]);
  });

  test("without any answer is kept by nobody", async () => {
    let fetches = 0;
    await using edge = await startEdge(({ socket }) => {
      fetches += 1;
      socket.resetAndDestroy();
    });
    for (let i = 0; i < 2; i += 1) {
      assert.deepEqual(await said(edge), [502, "Atoll; fwd=uri-miss; detail=origin-unreachable"]);
    }
    await roundTrip(edge);
    assert.equal(fetches, 2);
    assert.equal(edge.store.size, 0);
  });
});

describe("a failure of a proxy's origin", () => {
  for (const status of [403, 404, 500, 503]) {
    test(`is not kept as a ${status} that says nothing of it`, async () => {
      const origin = failingOrigin(status);
      await using edge = await startEdge(origin.answer, { proxy: {} });
      for (let i = 0; i < 2; i += 1) assert.equal((await said(edge))[0], status);
      assert.equal(origin.fetches, 2);
    });
  }

  test("is kept for as long as it says", async () => {
    const origin = failingOrigin(404, { "cache-control": "max-age=60" });
    await using edge = await startEdge(origin.answer, { proxy: {} });
    await fetchOnce(edge, "/a");
    edge.clock.advance(59_000);
    assert.deepEqual(await said(edge), [404, "Atoll; hit; ttl=1"]);
  });
});
