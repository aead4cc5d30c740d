import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { describe, test } from "node:test";
import {
  countingOrigin,
  type EdgeUnderTest,
  fetchOnce,
  startEdge,
  waitingOrigin,
} from "../support.ts";

async function said(edge: EdgeUnderTest, target = "/a"): Promise<readonly unknown[]> {
  const { fields, body } = await fetchOnce(edge, target);
  return [fields.get("x-cache"), body.toString()];
}

/** Asks until what was fetched behind the answers is there. */
async function refreshed(edge: EdgeUnderTest): Promise<readonly unknown[]> {
  let answer = await said(edge);
  while (answer[0] === "STALE") answer = await said(edge);
  return answer;
}

describe("a soft purge", () => {
  test("has what it matches served once more, and fetched behind it", async () => {
    const origin = countingOrigin({ etag: '"a"' });
    await using edge = await startEdge(origin.answer);
    for (const target of ["/a", "/b"]) await fetchOnce(edge, target);
    origin.body = "new";
    edge.softPurge("/a");
    const stale = await fetchOnce(edge, "/a");
    assert.equal(stale.fields.get("x-cache"), "STALE");
    assert.equal(
      stale.fields.get("cache-status"),
      "Atoll; hit; ttl=0; detail=stale-while-revalidate",
    );
    assert.equal(stale.body.toString(), "0123456789");
    assert.deepEqual(await refreshed(edge), ["HIT", "new"]);
    assert.deepEqual(await said(edge, "/b"), ["HIT", "0123456789"]);
    assert.equal(origin.fetches, 3);
  });

  test("is over once the origin has confirmed what it matched", async () => {
    const conditions: unknown[] = [];
    await using edge = await startEdge(({ headers }, response) => {
      conditions.push(headers["if-none-match"]);
      response.writeHead(headers["if-none-match"] === undefined ? 200 : 304, { etag: '"a"' });
      response.end(headers["if-none-match"] === undefined ? "same" : undefined);
    });
    await fetchOnce(edge, "/a");
    edge.softPurge("/*");
    assert.deepEqual(await said(edge), ["STALE", "same"]);
    assert.deepEqual(await refreshed(edge), ["HIT", "same"]);
    assert.deepEqual(conditions, [undefined, '"a"']);
  });

  test("shelters from an origin that fails", async () => {
    let fetches = 0;
    await using edge = await startEdge(({ socket }, response) => {
      fetches += 1;
      if (fetches === 1) response.end("old");
      else socket.resetAndDestroy();
    });
    await fetchOnce(edge, "/a");
    edge.softPurge("/a");
    for (let i = 0; i < 5; i += 1) assert.deepEqual(await said(edge), ["STALE", "old"]);
  });

  test("of what may not be served stale asks the origin first", async () => {
    const headers = { "cache-control": "max-age=60, must-revalidate" };
    const origin = countingOrigin(headers);
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a");
    origin.body = "new";
    edge.softPurge("/a");
    assert.deepEqual(await said(edge), ["MISS", "new"]);
  });

  test("marks what is on its way, too, and is not waited for by who comes after it", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    const before = said(edge);
    const { response } = await origin.next();
    edge.softPurge("/a");
    const after = said(edge);
    (await origin.next()).response.end("new");
    assert.deepEqual(await after, ["MISS", "new"]);
    response.end("old");
    assert.deepEqual(await before, ["MISS", "old"]);
    assert.deepEqual(await said(edge), ["HIT", "new"]);
  });

  test("gives way to a hard one", async () => {
    const origin = countingOrigin();
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a");
    origin.body = "new";
    edge.softPurge("/a");
    edge.purge("/a");
    assert.deepEqual(await said(edge), ["MISS", "new"]);
  });
});

describe("a purge of a tag", () => {
  const tagged =
    (tags: Readonly<Record<string, string>>): RequestListener =>
    ({ url = "" }, response) => {
      const target = url.slice(url.lastIndexOf("/"));
      response.writeHead(200, { etag: '"a"', "cache-tag": tags[target] ?? "" }).end(target);
    };

  test("drops all that has it, whatever its path, and nothing else", async () => {
    await using edge = await startEdge(
      tagged({ "/a": "news", "/b": "sport, News", "/c": "newsx" }),
    );
    for (const target of ["/a", "/b", "/c", "/d"]) await fetchOnce(edge, target);
    edge.purge("tag:news");
    const results = await Promise.all(["/a", "/b", "/c", "/d"].map((target) => said(edge, target)));
    assert.deepEqual(
      results.map(([xCache]) => xCache),
      ["MISS", "MISS", "HIT", "HIT"],
    );
  });

  test("marks as stale all that has it, if it is soft", async () => {
    await using edge = await startEdge(tagged({ "/a": "news", "/b": "sport" }));
    for (const target of ["/a", "/b"]) await fetchOnce(edge, target);
    edge.softPurge("tag:news");
    assert.equal((await said(edge, "/a"))[0], "STALE");
    assert.equal((await said(edge, "/b"))[0], "HIT");
  });

  test("keeps from being stored what turns out to have it, and comes from before", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    const before = said(edge);
    const { response } = await origin.next();
    edge.purge("tag:news");
    response.writeHead(200, { "cache-tag": "news" }).end("old");
    await before;
    const after = said(edge);
    (await origin.next()).response.end("new");
    assert.deepEqual(await after, ["MISS", "new"]);
  });

  test("follows the tags that a 304 brings", async () => {
    let tag = "old";
    await using edge = await startEdge(({ headers }, response) => {
      const isKnown = headers["if-none-match"] !== undefined;
      const fields = { etag: '"a"', "cache-control": "max-age=60", "cache-tag": tag };
      response.writeHead(isKnown ? 304 : 200, fields).end();
    });
    await fetchOnce(edge, "/a");
    tag = "new";
    edge.clock.advance(60_000);
    assert.equal((await said(edge))[0], "REVALIDATED");
    edge.purge("tag:old");
    assert.equal((await said(edge))[0], "HIT");
    edge.purge("tag:new");
    assert.equal((await said(edge))[0], "MISS");
  });
});
