import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { describe, test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import type { EndpointSettings } from "#feed/entry.ts";
import { Client } from "../client.ts";
import { askFor, words } from "../coding/support.ts";
import {
  type EdgeUnderTest,
  endpoint,
  fetchOnce,
  roundTrip,
  startEdge,
  waitingOrigin,
} from "../support.ts";

const PAGE = words(2_000);
const PATH = "/errors/sorry.html";
const SETTINGS: EndpointSettings = { errorPage: "errors/sorry.html" };

/** A Space with a page and nothing else; what is told apart by its path is told by `others`. */
async function startWithPage(
  settings = SETTINGS,
  others: RequestListener = (_, response) => void response.writeHead(404).end("<Error/>"),
): Promise<{
  readonly edge: EdgeUnderTest;
  readonly asked: string[];
  /** Whether it answers at all; and what is said of the page. */
  readonly origin: { isDown: boolean; status: number; headers: Readonly<Record<string, string>> };
}> {
  const asked: string[] = [];
  const headers = { "content-length": String(PAGE.length) };
  const origin = { isDown: false, headers, status: 200 };
  const edge = await startEdge((incoming, response) => {
    const path = (incoming.url ?? "").replace("/static.nyc3", "");
    asked.push(path);
    if (origin.isDown) return void incoming.socket.destroy();
    if (path !== PATH) return others(incoming, response);
    const { headers: said, status } = origin;
    response.writeHead(status, { "content-type": "text/html", etag: '"p"', ...said });
    response.write(PAGE.slice(0, 9));
    response.end(PAGE.slice(9));
  });
  const settled = { ...endpoint, settings };
  edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint: settled }]);
  return { edge, asked, origin };
}

describe("an error page", () => {
  test("is sent for what is not there, with the status, and fetched once for all", async () => {
    const { edge, asked } = await startWithPage();
    await using _ = edge;
    const replies = await Promise.all(["/a", "/b", "/a"].map((path) => fetchOnce(edge, path)));
    for (const { status, fields, body } of replies) {
      assert.equal(status, 404);
      assert.equal(body.toString(), PAGE);
      assert.equal(fields.get("content-type"), "text/html");
      assert.equal(fields.get("content-length"), String(PAGE.length));
      assert.equal(fields.get("cache-control"), "no-store");
      assert.equal(fields.get("etag"), undefined);
      assert.equal(fields.get("x-cache"), "MISS");
    }
    const hit = await fetchOnce(edge, "/a");
    assert.deepEqual([hit.status, hit.fields.get("x-cache")], [404, "HIT"]);
    assert.equal(hit.body.toString(), PAGE);
    assert.deepEqual(asked.toSorted(), ["/a", "/b", PATH]);
  });

  test("is described to HEAD", async () => {
    const { edge } = await startWithPage();
    await using _ = edge;
    const { status, fields } = await askFor(edge, "HEAD /a", undefined);
    assert.equal(status, 404);
    assert.equal(fields.get("content-length"), String(PAGE.length));
    assert.equal(fields.get("content-type"), "text/html");
  });

  test("stands in for each kind of error that a person sees", async () => {
    const { edge } = await startWithPage(SETTINGS, ({ url = "" }, response) => {
      response.writeHead(Number(url.split("/").at(-1))).end("origin");
    });
    await using _ = edge;
    for (const status of [403, 404, 500, 502, 503, 504]) {
      const reply = await fetchOnce(edge, `/${status}`);
      assert.deepEqual([reply.status, reply.body.toString()], [status, PAGE]);
    }
    for (const status of [400, 410, 412, 200]) {
      const reply = await fetchOnce(edge, `/${status}`);
      assert.deepEqual([reply.status, reply.body.toString()], [status, "origin"]);
    }
  });

  test("stands in for what is passed to one client alone", async () => {
    const { edge } = await startWithPage();
    await using _ = edge;
    for (const lines of [["authorization: Bearer t"], []]) {
      const reply = await fetchOnce(edge, "/a?X-Amz-Signature=s", ...lines);
      assert.deepEqual([reply.status, reply.body.toString()], [404, PAGE]);
      assert.equal(reply.fields.get("x-cache"), "BYPASS");
    }
  });

  test("is shown to who has no signature, though it has none itself", async () => {
    const { edge, asked } = await startWithPage({ ...SETTINGS, signedUrls: { secrets: ["s"] } });
    await using _ = edge;
    const reply = await fetchOnce(edge, "/a");
    assert.deepEqual([reply.status, reply.body.toString()], [403, PAGE]);
    assert.deepEqual(asked, [PATH]);
  });

  test("is coded for who accepts it, where the endpoint compresses", async () => {
    const { edge } = await startWithPage({ ...SETTINGS, compression: true });
    await using _ = edge;
    const reply = await askFor(edge, "GET /a", "br");
    assert.deepEqual([reply.status, reply.fields.get("content-encoding")], [404, "br"]);
    assert.equal(brotliDecompressSync(reply.body).toString(), PAGE);
    assert.equal((await askFor(edge, "GET /a", undefined)).body.toString(), PAGE);
  });

  test("is a new one as soon as the old one is purged", async () => {
    const { edge, asked } = await startWithPage();
    await using _ = edge;
    await fetchOnce(edge, "/a");
    edge.purge(PATH);
    await fetchOnce(edge, "/a");
    assert.deepEqual(asked, ["/a", PATH, PATH]);
  });
});

describe("while its origin is away, an error page", () => {
  test("is sent from what is stored, fresh or not, with the edge's own 502", async () => {
    const { edge, asked, origin } = await startWithPage();
    await using _ = edge;
    await fetchOnce(edge, "/a");
    origin.isDown = true;
    for (const seconds of [0, 4_000]) {
      edge.clock.advance(seconds * 1_000);
      const { status, fields, body } = await fetchOnce(edge, "/b");
      assert.equal(status, 502);
      assert.equal(body.toString(), PAGE);
      assert.equal(fields.get("cache-control"), "no-store");
      assert.match(fields.get("cache-status") ?? "", /^Atoll; fwd=uri-miss; detail=/);
    }
    // Once as it was fetched, and no more until it was stale.
    assert.deepEqual(asked.slice(0, 3), ["/a", PATH, "/b"]);
    assert.equal(asked.at(-1), PATH);
  });

  test("that is slow is not waited for, and is there for the next", async (context) => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    const settled = { ...endpoint, settings: SETTINGS };
    edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint: settled }]);
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const asked = fetchOnce(edge, "/a");
    (await origin.next()).response.writeHead(404).end("<Error/>");
    const { response } = await origin.next();
    context.mock.timers.tick(2_000);
    assert.equal((await asked).body.toString(), "<Error/>");
    response.writeHead(200, { "content-length": PAGE.length });
    response.write(PAGE.slice(0, 9));
    await roundTrip(edge);
    response.end(PAGE.slice(9));
    assert.equal((await fetchOnce(edge, PATH)).body.toString(), PAGE);
    edge.clock.advance(1_000);
    assert.equal((await fetchOnce(edge, "/a")).body.toString(), PAGE);
    // Whoever came too late holds nothing.
    await roundTrip(edge);
    assert.equal(edge.budget.heldFor("store"), edge.budget.used);
  });

  test("that is not stored leaves the edge's own words", async () => {
    const { edge, origin } = await startWithPage();
    await using _ = edge;
    origin.isDown = true;
    const reply = await fetchOnce(edge, "/a");
    assert.equal(reply.status, 502);
    assert.equal(reply.fields.get("content-type"), "text/plain; charset=utf-8");
  });
});

describe("without a page that could stand in, an error is as it was", () => {
  test("where the page is missing, which is asked for once in a while", async () => {
    const { edge, asked, origin } = await startWithPage();
    await using _ = edge;
    origin.status = 404;
    for (const path of ["/a", "/b", "/c"]) {
      const reply = await fetchOnce(edge, path);
      assert.deepEqual([reply.status, reply.body.toString()], [404, "<Error/>"]);
    }
    assert.deepEqual(asked, ["/a", PATH, "/b", "/c"]);
  });

  test("where it is not known yet how long the page is, which it is from then on", async () => {
    const { edge, asked, origin } = await startWithPage();
    await using _ = edge;
    origin.headers = {};
    assert.equal((await fetchOnce(edge, "/a")).body.toString(), "<Error/>");
    edge.clock.advance(1_000);
    assert.equal((await fetchOnce(edge, "/b")).body.toString(), PAGE);
    assert.deepEqual(asked, ["/a", PATH, "/b"]);
  });

  test("where it is the page itself that is asked for", async () => {
    const { edge, asked, origin } = await startWithPage();
    await using _ = edge;
    origin.status = 503;
    const reply = await fetchOnce(edge, PATH);
    assert.deepEqual([reply.status, reply.body.toString()], [503, PAGE]);
    assert.equal(reply.fields.get("etag"), '"p"');
    assert(asked.length <= 2);
  });

  test("where the page is for nobody else, and would be fetched for each error", async () => {
    const { edge, asked, origin } = await startWithPage();
    await using _ = edge;
    origin.headers = { "content-length": String(PAGE.length), "cache-control": "no-store" };
    for (const path of ["/a", "/b"]) {
      assert.equal((await fetchOnce(edge, path)).body.toString(), "<Error/>");
    }
    assert.deepEqual(asked, ["/a", PATH, "/b"]);
  });

  test("where no endpoint answers, or none has settled one", async () => {
    const { edge } = await startWithPage();
    await using _ = edge;
    using client = new Client(edge.port);
    client.send("GET /a HTTP/1.1\r\nhost: elsewhere\r\n\r\n");
    const unknown = await client.receive();
    assert.equal(unknown.body.toString(), "No CDN endpoint answers on this host.\n");
    edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint }]);
    assert.equal((await fetchOnce(edge, "/a")).body.toString(), "<Error/>");
  });

  test("to who asks for a part of it", async () => {
    const { edge } = await startWithPage();
    await using _ = edge;
    const reply = await fetchOnce(edge, "/a", "range: bytes=0-1");
    assert.deepEqual([reply.status, reply.body.toString()], [404, "<Error/>"]);
  });
});
