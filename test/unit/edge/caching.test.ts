import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import {
  countingOrigin,
  type EdgeUnderTest,
  endpoint,
  fetchOnce,
  request,
  startEdge,
} from "./support.ts";

async function xCache(edge: EdgeUnderTest, target: string, ...lines: string[]): Promise<string> {
  const response = await fetchOnce(edge, target, ...lines);
  return response.fields.get("x-cache") ?? "";
}

describe("an edge", () => {
  test("answers a MISS from the origin, and then a HIT with its age", async () => {
    const { answer } = countingOrigin({ etag: '"a"' });
    await using edge = await startEdge(answer);
    const miss = await fetchOnce(edge, "/a.png");
    edge.clock.advance(7_000);
    const hit = await fetchOnce(edge, "/a.png");

    assert.equal(miss.fields.get("x-cache"), "MISS");
    assert.equal(miss.fields.get("cache-status"), "Atoll; fwd=uri-miss; stored");
    assert.equal(miss.fields.get("age"), undefined);
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.equal(hit.fields.get("cache-status"), "Atoll; hit; ttl=3593");
    assert.equal(hit.fields.get("age"), "7");
    assert.equal(hit.fields.get("cache-control"), "max-age=3600");
    assert.equal(hit.fields.get("accept-ranges"), "bytes");
    assert.match(hit.fields.get("x-request-id") ?? "", /^[\da-f-]{36}$/);
    assert.equal(hit.body.toString(), "0123456789");
  });

  test("sends the origin nothing of the client's but the target", async () => {
    let seen: readonly string[] = [];
    await using edge = await startEdge((incoming, response) => {
      seen = [incoming.url ?? "", ...incoming.rawHeaders];
      response.end();
    });
    await fetchOnce(
      edge,
      "/a%20b?c=%2f",
      "x-forwarded-host: evil.test",
      "cookie: a=b",
      'if-none-match: "a"',
    );
    const names = seen.slice(1).filter((_, i) => i % 2 === 0);
    assert.equal(seen[0], "/static.nyc3/a%20b?c=%2f");
    assert.deepEqual(names.toSorted(), [
      "accept-encoding",
      "cdn-loop",
      "host",
      "x-atoll-secret",
      "x-request-id",
    ]);
  });

  test("takes each query for a resource of its own", async () => {
    const { answer } = countingOrigin();
    await using edge = await startEdge(answer);
    await fetchOnce(edge, "/a?v=1");
    assert.equal(await xCache(edge, "/a?v=2"), "MISS");
    assert.equal(await xCache(edge, "/a?v=1"), "HIT");
  });

  const unstored: readonly (readonly [
    what: string,
    headers: OutgoingHttpHeaders,
    status: number,
  ])[] = [
    ["private", { "cache-control": "private" }, 200],
    ["no-store", { "cache-control": "no-store" }, 200],
    ["a cookie", { "set-cookie": "a=b", "cache-control": "max-age=60" }, 200],
    ["Vary: *", { vary: "Accept, *" }, 200],
    ["no lifetime and no validator", { "cache-control": "max-age=0" }, 200],
    ["status 302", { location: "/b" }, 302],
    ["status 400", { "cache-control": "max-age=60" }, 400],
  ];
  for (const [what, headers, status] of unstored) {
    test(`passes on, and never stores, what has ${what}`, async () => {
      const { answer } = countingOrigin(headers, status);
      await using edge = await startEdge(answer);
      await fetchOnce(edge, "/a");
      const again = await fetchOnce(edge, "/a");
      assert.equal(again.fields.get("x-cache"), "MISS");
      assert.equal(again.status, status);
      assert.equal(again.body.toString(), "0123456789");
      assert.equal(edge.budget.used, 0);
    });
  }

  for (const status of [203, 301, 308]) {
    test(`stores a ${status}`, async () => {
      const { answer } = countingOrigin({ location: "/b" }, status);
      await using edge = await startEdge(answer);
      await fetchOnce(edge, "/a");
      assert.equal(await xCache(edge, "/a"), "HIT");
    });
  }

  for (const status of [403, 404, 410, 500, 503]) {
    test(`keeps a ${status} for 10 seconds at most, and no longer than a purge`, async () => {
      const { answer } = countingOrigin({ "cache-control": "max-age=60" }, status);
      await using edge = await startEdge(answer);
      await fetchOnce(edge, "/a");
      edge.clock.advance(9_999);
      assert.equal(await xCache(edge, "/a"), "HIT");
      edge.clock.advance(1);
      assert.equal(await xCache(edge, "/a"), "MISS");
      edge.purge("/a");
      assert.equal(await xCache(edge, "/a"), "MISS");
    });
  }

  const bypassed = [
    ["a presigned URL", "/a?X-Amz-Credential=k&X-Amz-Signature=s", ""],
    ["a presigned URL of version 2", "/a?AWSAccessKeyId=k&Signature=s", ""],
    ["a request with Authorization", "/a", "authorization: Bearer t"],
  ] as const;
  for (const [what, target, line] of bypassed) {
    test(`keeps ${what} out of the cache`, async () => {
      const { answer } = countingOrigin();
      await using edge = await startEdge(answer);
      const lines = line === "" ? [] : [line];
      await fetchOnce(edge, target, ...lines);
      const again = await fetchOnce(edge, target, ...lines);
      assert.equal(again.fields.get("x-cache"), "BYPASS");
      assert.equal(again.body.toString(), "0123456789");
      assert.equal(edge.store.size, 0);
    });
  }

  test("brings a changed TTL into force at once on what is stored", async () => {
    const { answer } = countingOrigin();
    await using edge = await startEdge(answer);
    await fetchOnce(edge, "/a");
    edge.clock.advance(100_000);
    edge.feed.apply([{ number: 2, kind: "endpoint-put", endpoint: { ...endpoint, ttl: 60 } }]);
    assert.equal(await xCache(edge, "/a"), "MISS");
  });

  test("confirms what is stale, and takes over the fields of the 304", async () => {
    const conditions: (string | undefined)[] = [];
    await using edge = await startEdge((incoming, response) => {
      conditions.push(incoming.headers["if-none-match"]);
      const confirmed = incoming.headers["if-none-match"] === '"a"';
      response.writeHead(confirmed ? 304 : 200, {
        etag: '"a"',
        "cache-control": "max-age=60",
        "x-version": confirmed ? "2" : "1",
      });
      response.end(confirmed ? undefined : "body");
    });
    await fetchOnce(edge, "/a");
    edge.clock.advance(61_000);
    const confirmed = await fetchOnce(edge, "/a");
    const hit = await fetchOnce(edge, "/a");
    assert.equal(confirmed.fields.get("x-cache"), "REVALIDATED");
    assert.equal(confirmed.body.toString(), "body");
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.equal(hit.fields.get("x-version"), "2");
    assert.deepEqual(conditions, [undefined, '"a"']);
  });

  test("fetches anew when a 304 is about another representation", async () => {
    await using edge = await startEdge((incoming, response) => {
      const conditional = incoming.headers["if-none-match"] !== undefined;
      response.writeHead(conditional ? 304 : 200, {
        etag: conditional ? '"b"' : '"a"',
        "cache-control": "max-age=60",
      });
      response.end(conditional ? undefined : "body");
    });
    await fetchOnce(edge, "/a");
    edge.clock.advance(61_000);
    assert.equal(await xCache(edge, "/a"), "MISS");
  });

  test("drops what is purged, and nothing else", async () => {
    const { answer } = countingOrigin();
    await using edge = await startEdge(answer);
    for (const target of ["/css/a", "/css/a?v=1", "/js/b"]) await fetchOnce(edge, target);
    edge.purge("/css/*");
    assert.equal(await xCache(edge, "/css/a"), "MISS");
    assert.equal(await xCache(edge, "/css/a?v=1"), "MISS");
    assert.equal(await xCache(edge, "/js/b"), "HIT");
    edge.purge("/*");
    assert.equal(await xCache(edge, "/js/b"), "MISS");
    assert.equal(await xCache(edge, "/js/b"), "HIT");
  });

  test("answers 404 for a Host without an endpoint, and asks no origin", async () => {
    const state = countingOrigin();
    await using edge = await startEdge(state.answer);
    await fetchOnce(edge, "/a");
    edge.feed.apply([{ number: 2, kind: "endpoint-delete", id: endpoint.id }]);
    const response = await fetchOnce(edge, "/a");
    assert.equal(response.status, 404);
    assert.equal(response.fields.get("content-type"), "text/plain; charset=utf-8");
    assert(response.fields.has("x-request-id"));
    assert.equal(state.fetches, 1);
  });

  test("answers 405 to other methods, and 508 to a request that it made itself", async () => {
    const state = countingOrigin();
    await using edge = await startEdge(state.answer);
    using client = new Client(edge.port);
    client.send(request("DELETE", "/a"));
    const refused = await client.receive();
    assert.equal(refused.status, 405);
    assert.equal(refused.fields.get("allow"), "GET, HEAD");
    client.send(request("GET", "/a", 'cdn-loop: other, Atoll; v="1"'));
    assert.equal((await client.receive()).status, 508);
    assert.equal(state.fetches, 0);
  });

  test("refuses dot segments, however they are written", async () => {
    const state = countingOrigin();
    await using edge = await startEdge(state.answer);
    for (const target of ["/../other.nyc3/a", "/a/%2e%2E/b", "/a%2f..%5cb", "/."]) {
      assert.equal((await fetchOnce(edge, target)).status, 400, target);
    }
    assert.equal((await fetchOnce(edge, "/a..b/...?x=/../")).status, 200);
    assert.equal(state.fetches, 1);
  });

  test("stores no field that is meant for one connection", async () => {
    const { answer } = countingOrigin({
      connection: "x-hop",
      "x-hop": "1",
      "keep-alive": "timeout=9",
      "x-end": "2",
    });
    await using edge = await startEdge(answer);
    for (let i = 0; i < 2; i += 1) {
      const { fields } = await fetchOnce(edge, "/a");
      assert.equal(fields.has("x-hop"), false);
      assert.equal(fields.has("keep-alive"), false);
      assert.equal(fields.get("x-end"), "2");
    }
  });
});
