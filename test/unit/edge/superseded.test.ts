import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { type EdgeUnderTest, endpoint, fetchOnce, startEdge } from "./support.ts";

const MIB = 1024 * 1024;

/** An origin that has one storable version, and then answers otherwise. */
async function edgeWithStale(
  later: (incoming: IncomingMessage, response: ServerResponse) => void,
): Promise<EdgeUnderTest> {
  let fetches = 0;
  const edge = await startEdge(
    (incoming, response) => {
      fetches += 1;
      if (fetches > 1) later(incoming, response);
      else response.writeHead(200, { etag: '"a"' }).end("first");
    },
    { memoryBytesMax: 16 * MIB },
  );
  await fetchOnce(edge, "/a");
  edge.clock.advance(3_601_000);
  return edge;
}

/** As `PUT ttl=86400` does: what was stale for its endpoint is fresh again, if it is still there. */
function raiseTtl(edge: EdgeUnderTest): void {
  const raised = { ...endpoint, ttl: 86_400 };
  edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint: raised }]);
}

describe("a stored response that its origin has replaced", () => {
  const replacements: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ["a 404", (response) => response.writeHead(404).end()],
    ["no-store", (response) => response.writeHead(200, { "cache-control": "no-store" }).end("new")],
    ["what is too large", (response) => response.end(Buffer.alloc(5 * MIB))],
    [
      "what turns out too large",
      (response) => {
        response.write(Buffer.alloc(MIB));
        response.end(Buffer.alloc(4 * MIB));
      },
    ],
    ["a redirect for now", (response) => response.writeHead(302, { location: "/b" }).end()],
  ];
  for (const [what, later] of replacements) {
    test(`by ${what} does not come back to life when the TTL is raised`, async () => {
      await using edge = await edgeWithStale((_incoming, response) => later(response));
      await fetchOnce(edge, "/a");
      raiseTtl(edge);
      // A 404 is kept for so long.
      edge.clock.advance(10_000);
      const response = await fetchOnce(edge, "/a");
      assert.equal(response.fields.get("x-cache"), "MISS");
      assert.notEqual(response.body.toString(), "first");
    });
  }

  const failures: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ["a 503", (response) => response.writeHead(503).end()],
    ["no answer at all", (response) => response.socket?.resetAndDestroy()],
  ];
  for (const [what, later] of failures) {
    test(`is not replaced by ${what}`, async () => {
      await using edge = await edgeWithStale((_incoming, response) => later(response));
      await fetchOnce(edge, "/a");
      raiseTtl(edge);
      assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "HIT");
    });
  }
});

describe("a 304 that says more than that nothing changed", () => {
  for (const cacheControl of ["private", "no-store"]) {
    test(`is passed on and ends the storing, if it says ${cacheControl}`, async () => {
      await using edge = await edgeWithStale((incoming, response) => {
        const confirmed = incoming.headers["if-none-match"] === '"a"';
        response.writeHead(confirmed ? 304 : 200, { etag: '"a"', "cache-control": cacheControl });
        response.end(confirmed ? undefined : "second");
      });
      const confirmed = await fetchOnce(edge, "/a");
      assert.equal(confirmed.body.toString(), "first");
      assert.equal(
        confirmed.fields.get("cache-status"),
        `Atoll; fwd=stale; fwd-status=304; detail=${cacheControl}`,
      );
      assert.equal(edge.store.size, 0);
      raiseTtl(edge);
      assert.equal((await fetchOnce(edge, "/a")).body.toString(), "second");
      assert.equal(edge.budget.used, 0);
    });
  }

  test("gives its cookie to one client only, of all who wait for it, and to none later", async () => {
    let cookies = 0;
    let hold: (() => void) | undefined;
    let arrived: (() => void) | undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await using edge = await edgeWithStale((incoming, response) => {
      cookies += 1;
      const confirmed = incoming.headers["if-none-match"] === '"a"';
      response.writeHead(confirmed ? 304 : 200, { etag: '"a"', "set-cookie": `id=${cookies}` });
      hold ??= () => void response.end(confirmed ? undefined : "second");
      if (cookies > 1) response.end(confirmed ? undefined : "second");
      else arrived?.();
    });
    const asked = Array.from({ length: 5 }, () => fetchOnce(edge, "/a"));
    await arrival;
    // The others are there when the edge has answered one more connection.
    await fetchOnce(edge, "/a", "cdn-loop: atoll");
    hold?.();
    const answers = await Promise.all(asked);
    const given = new Set(answers.map((answer) => answer.fields.get("set-cookie")));
    assert.deepEqual(given, new Set(["id=1", "id=2", "id=3", "id=4", "id=5"]));
    assert.equal(edge.store.size, 0);
    assert.equal((await fetchOnce(edge, "/a")).fields.get("set-cookie"), "id=6");
  });
});

describe("a cookie without content", () => {
  test("goes to one client only, of all who wait for it", async () => {
    let cookies = 0;
    const waiting: (() => void)[] = [];
    let arrived: (() => void) | undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await using edge = await startEdge((_incoming, response) => {
      cookies += 1;
      response.writeHead(204, { "set-cookie": `id=${cookies}` });
      if (cookies > 1) {
        response.end();
        return;
      }
      waiting.push(() => void response.end());
      arrived?.();
    });
    const asked = Array.from({ length: 3 }, () => fetchOnce(edge, "/a"));
    await arrival;
    await fetchOnce(edge, "/a", "cdn-loop: atoll");
    waiting[0]?.();
    const answers = await Promise.all(asked);
    const given = new Set(answers.map((answer) => answer.fields.get("set-cookie")));
    assert.deepEqual(given, new Set(["id=1", "id=2", "id=3"]));
  });
});
