import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { Client } from "../client.ts";
import {
  type EdgeUnderTest,
  fetchOnce,
  request,
  roundTrip,
  startEdge,
  startEdgeBefore,
  waitingOrigin,
} from "../support.ts";

/** What became of two fields that say how a request was answered. */
async function saidTo(edge: EdgeUnderTest, target = "/a"): Promise<readonly unknown[]> {
  const { status, fields, body } = await fetchOnce(edge, target);
  return [status, fields.get("cache-status"), body.toString()];
}

/** An origin whose first answer is stored with this, and whose later ones are the test's. */
async function staleEdge(
  cacheControl: string,
  later: RequestListener,
  { seconds = 70, proxy = false, headTimeoutMs = 30_000 } = {},
): Promise<EdgeUnderTest> {
  let isFirst = true;
  const answer: RequestListener = (incoming, response) => {
    if (!isFirst) return later(incoming, response);
    isFirst = false;
    // No fetch finds a connection that has waited: it would be tried again on another.
    const headers = { etag: '"a"', "cache-control": cacheControl, connection: "close" };
    response.writeHead(200, headers).end("old");
  };
  const origin = { headTimeoutMs };
  const edge = await startEdge(answer, proxy ? { proxy: {}, origin } : { origin });
  await fetchOnce(edge, "/a");
  edge.clock.advance(seconds * 1_000);
  return edge;
}

async function askUntil(edge: EdgeUnderTest, isThere: () => boolean): Promise<void> {
  await saidTo(edge);
  while (!isThere()) await saidTo(edge);
}

describe("RFC 5861 §3: stale-while-revalidate", () => {
  const ALLOWED = "max-age=60, stale-while-revalidate=30";

  test("serves what is stale at once, and fetches behind it, once for all who come", async () => {
    const origin = waitingOrigin();
    await using edge = await staleEdge(ALLOWED, origin.answer);
    const stale = [200, "Atoll; hit; ttl=-10; detail=stale-while-revalidate", "old"];
    assert.deepEqual(await saidTo(edge), stale);
    const { incoming, response } = await origin.next();
    assert.equal(incoming.headers["if-none-match"], '"a"');
    // It has not been answered yet.
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await saidTo(edge), stale);
    response.writeHead(200, { etag: '"b"', "cache-control": "max-age=60" }).end("new");
    let fresh = await saidTo(edge);
    while (fresh[2] === "old") fresh = await saidTo(edge);
    assert.deepEqual(fresh, [200, "Atoll; hit; ttl=60", "new"]);
  });

  test("tells the client by x-cache, and by its age", async () => {
    await using edge = await staleEdge(ALLOWED, () => undefined);
    const { fields } = await fetchOnce(edge, "/a");
    assert.equal(fields.get("x-cache"), "STALE");
    assert.equal(fields.get("age"), "70");
  });

  test("answers a HEAD, a range and a condition alike", async () => {
    await using edge = await staleEdge(ALLOWED, () => undefined);
    using client = new Client(edge.port);
    client.send(request("HEAD", "/a"));
    assert.equal((await client.receive("HEAD")).fields.get("x-cache"), "STALE");
    assert.equal((await fetchOnce(edge, "/a", "range: bytes=1-")).body.toString(), "ld");
    assert.equal((await fetchOnce(edge, "/a", 'if-none-match: "a"')).status, 304);
  });

  test("ends where it says", async () => {
    await using edge = await staleEdge(
      ALLOWED,
      (_incoming, response) => void response.writeHead(304, { etag: '"a"' }).end(),
      { seconds: 90 },
    );
    assert.deepEqual(await saidTo(edge), [200, "Atoll; fwd=stale; fwd-status=304; stored", "old"]);
  });

  for (const failure of ["a 503", "a reset"]) {
    test(`asks an origin once a second after ${failure}, and not for each request`, async () => {
      let fetches = 0;
      await using edge = await staleEdge(ALLOWED, ({ socket }, response) => {
        fetches += 1;
        if (failure === "a 503") response.writeHead(503).end();
        else socket.resetAndDestroy();
      });
      for (let second = 0; second < 3; second += 1) {
        const before = fetches;
        // The failure comes behind the answers, and so after some of them.
        await askUntil(edge, () => fetches > before);
        await roundTrip(edge);
        for (let i = 0; i < 5; i += 1) assert.equal((await saidTo(edge))[2], "old");
        assert.equal(fetches, before + 1);
        edge.clock.advance(1_000);
      }
    });
  }

  test("keeps what no refresh has replaced", async () => {
    await using edge = await staleEdge(ALLOWED, (_incoming, response) => {
      response.writeHead(200, { "content-length": 9 });
      response.write("br", () => response.destroy());
    });
    await saidTo(edge);
    await roundTrip(edge);
    assert.equal((await saidTo(edge))[2], "old");
  });
});

describe("RFC 5861 §4: stale-if-error", () => {
  const ALLOWED = "max-age=60, stale-if-error=30";
  const failures: readonly (readonly [
    what: string,
    fail: (response: ServerResponse) => void,
    status: string,
  ])[] = [
    [
      "a 500",
      (response) => void response.writeHead(500).end("broken"),
      "fwd=stale; fwd-status=500",
    ],
    ["a 503", (response) => void response.writeHead(503).end("busy"), "fwd=stale; fwd-status=503"],
    ["a connection that is reset", (response) => void response.socket?.resetAndDestroy(), "hit"],
    ["an answer that is none", (response) => void response.socket?.end("garbage\r\n\r\n"), "hit"],
  ];
  for (const proxy of [false, true]) {
    for (const [what, fail, status] of failures) {
      test(`shelters from ${what}, of ${proxy ? "a proxy's" : "a Space's"} origin`, async () => {
        await using edge = await staleEdge(ALLOWED, (_incoming, response) => fail(response), {
          proxy,
        });
        const { fields, body } = await fetchOnce(edge, "/a");
        assert.equal(body.toString(), "old");
        assert.equal(fields.get("x-cache"), "STALE");
        assert.equal(
          fields.get("cache-status"),
          `Atoll; ${status}; ttl=-10; detail=stale-if-error`,
        );
      });
    }
  }

  test("shelters from an origin that is gone", async () => {
    const server = createServer((_incoming, response) => {
      response.writeHead(200, { "cache-control": ALLOWED, connection: "close" }).end("old");
    });
    await using edge = await startEdgeBefore(server, {}, () => undefined);
    await fetchOnce(edge, "/a");
    edge.clock.advance(70_000);
    server.close();
    await once(server, "close");
    const stale = "Atoll; hit; ttl=-10; detail=stale-if-error";
    assert.deepEqual(await saidTo(edge), [200, stale, "old"]);
  });

  test("shelters from an origin that does not answer in time", async () => {
    await using edge = await staleEdge(ALLOWED, () => undefined, { headTimeoutMs: 20 });
    const stale = "Atoll; hit; ttl=-10; detail=stale-if-error";
    assert.deepEqual(await saidTo(edge), [200, stale, "old"]);
  });

  test("ends where it says, and then the failure is told", async () => {
    await using edge = await staleEdge(
      ALLOWED,
      (_incoming, response) => void response.writeHead(500).end("broken"),
      { seconds: 90 },
    );
    assert.deepEqual(await saidTo(edge), [500, "Atoll; fwd=stale; detail=server-error", "broken"]);
  });

  test("does not ask an origin for each request that has just failed, but twice a second", async () => {
    let fetches = 0;
    let isBack = false;
    await using edge = await staleEdge(ALLOWED, ({ socket }, response) => {
      fetches += 1;
      if (isBack) response.writeHead(304, { etag: '"a"' }).end();
      else socket.resetAndDestroy();
    });
    for (let i = 0; i < 20; i += 1) assert.equal((await saidTo(edge))[2], "old");
    edge.clock.advance(499);
    await saidTo(edge);
    assert.equal(fetches, 1);
    isBack = true;
    edge.clock.advance(1);
    assert.equal((await saidTo(edge))[1], "Atoll; fwd=stale; fwd-status=304; stored");
  });

  test("is one fetch for all who wait for it, and all get what is stale", async () => {
    const origin = waitingOrigin();
    await using edge = await staleEdge(ALLOWED, origin.answer);
    const asked = Array.from({ length: 5 }, () => saidTo(edge));
    const { response } = await origin.next();
    await roundTrip(edge);
    response.writeHead(502).end();
    for (const [status, , body] of await Promise.all(asked)) {
      assert.deepEqual([status, body], [200, "old"]);
    }
  });

  test("shelters a Space without being told to, and a proxy only where nobody answers", async () => {
    const fail: RequestListener = (_incoming, response) => void response.writeHead(500).end();
    await using space = await staleEdge("max-age=60", fail);
    assert.equal((await saidTo(space))[0], 200);
    await using proxy = await staleEdge("max-age=60", fail, { proxy: true });
    assert.equal((await saidTo(proxy))[0], 500);
    const leave: RequestListener = ({ socket }) => void socket.resetAndDestroy();
    await using disconnected = await staleEdge("max-age=60", leave, { proxy: true });
    assert.equal((await saidTo(disconnected))[0], 200);
  });

  test("has no say of a 4xx: it is the origin's answer", async () => {
    await using edge = await staleEdge(
      ALLOWED,
      (_incoming, response) => void response.writeHead(404).end("gone"),
    );
    assert.deepEqual((await saidTo(edge)).slice(0, 3), [404, "Atoll; fwd=stale; stored", "gone"]);
  });
});

describe("RFC 9111 §4.2.4: what may not be served stale", () => {
  for (const directive of ["must-revalidate", "proxy-revalidate", "no-cache"]) {
    test(`by ${directive} is not, whatever else is said`, async () => {
      const said = `max-age=60, stale-while-revalidate=99, stale-if-error=99, ${directive}`;
      await using edge = await staleEdge(
        said,
        (_incoming, response) => void response.writeHead(503).end("busy"),
      );
      assert.deepEqual(await saidTo(edge), [503, "Atoll; fwd=stale; detail=server-error", "busy"]);
    });
  }
});
