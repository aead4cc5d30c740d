import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Content, MIB, type ObjectOrigin, objectOrigin, slicesIn } from "../slices/support.ts";
import { fetchOnce, startEdge } from "../support.ts";

const CONTENT = new Content(3.25 * MIB);
const NEW_CONTENT = new Content(3.25 * MIB, 2);

describe("RFC 9111 §3.3: a part", () => {
  test("of what is small brings all of it, which is stored as the whole", async () => {
    const origin = objectOrigin(new Content(1_000));
    await using edge = await startEdge(origin.answer);
    const part = await fetchOnce(edge, "/a", "range: bytes=5-9");
    assert.equal(part.status, 206);
    assert.equal(part.fields.get("cache-status"), "Atoll; fwd=uri-miss; stored");
    const whole = await fetchOnce(edge, "/a");
    assert.equal(whole.status, 200);
    assert.equal(whole.fields.get("x-cache"), "HIT");
    assert.equal(whole.fields.has("content-range"), false);
    assert(whole.body.equals(origin.content.slice(0)));
    assert.deepEqual(origin.asked, ["bytes=0-1048575"]);
  });

  test("has the Age of its own when it is a hit", async () => {
    const origin = objectOrigin(CONTENT);
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a", "range: bytes=0-1");
    edge.clock.advance(7_000);
    const part = await fetchOnce(edge, "/a", "range: bytes=5-9");
    assert.deepEqual([part.fields.get("x-cache"), part.fields.get("age")], ["HIT", "7"]);
  });

  const unstored: readonly (readonly [
    what: string,
    headers: Record<string, string>,
    why: string,
  ])[] = [
    ["a weak ETag", { etag: 'W/"a"' }, "weak-validator"],
    ["no validator", {}, "weak-validator"],
    ["no-store", { etag: '"a"', "cache-control": "no-store" }, "no-store"],
    ["private", { etag: '"a"', "cache-control": "private" }, "private"],
  ];
  for (const [what, headers, why] of unstored) {
    test(`with ${what} is passed on as it was asked for, and never stored`, async () => {
      const origin = objectOrigin(CONTENT, headers);
      await using edge = await startEdge(origin.answer);
      const part = await fetchOnce(edge, "/a", `range: bytes=${MIB + 5}-${MIB + 9}`);
      assert.equal(part.status, 206);
      assert(part.body.equals(CONTENT.slice(MIB + 5, MIB + 10)));
      assert.equal(part.fields.get("cache-status"), `Atoll; fwd=uri-miss; detail=${why}`);
      assert.equal(edge.store.size, 0);
      assert.equal(origin.asked.at(-1), `bytes=${MIB + 5}-${MIB + 9}`);
    });
  }

  test("is stored by a Last-Modified that is strong, too", async () => {
    const modified = "Sun, 22 Nov 2026 11:00:00 GMT";
    const date = "Sun, 22 Nov 2026 12:00:00 GMT";
    const origin = objectOrigin(CONTENT, { "last-modified": modified, date });
    await using edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a", "range: bytes=0-1");
    const whole = await fetchOnce(edge, "/a");
    assert.equal(whole.fields.get("x-cache"), "HIT");
    assert(whole.body.equals(CONTENT.slice(0)));
  });
});

describe("RFC 9111 §3.4: parts", () => {
  /** Two slices are stored of the first version, and the origin has another one since. */
  async function startChanged(
    changes: Partial<ObjectOrigin>,
  ): Promise<{ origin: ObjectOrigin; edge: Awaited<ReturnType<typeof startEdge>> }> {
    const origin = objectOrigin(CONTENT);
    const edge = await startEdge(origin.answer);
    await fetchOnce(edge, "/a", `range: bytes=0-${MIB}`);
    Object.assign(origin, changes);
    return { origin, edge };
  }

  test("make the whole, with those that were missing", async () => {
    const { edge, origin } = await startChanged({});
    await using _ = edge;
    const whole = await fetchOnce(edge, "/a");
    assert.equal(whole.status, 200);
    assert(whole.body.equals(CONTENT.slice(0)));
    assert.equal(origin.sentBytes, CONTENT.length);
  });

  const changes: readonly (readonly [what: string, changes: Partial<ObjectOrigin>])[] = [
    ["with another ETag", { content: NEW_CONTENT, headers: { etag: '"b"' } }],
    ["of another length", { content: new Content(2.5 * MIB, 2), headers: { etag: '"b"' } }],
    ["that is small now", { content: new Content(9, 2), headers: { etag: '"b"' } }],
    ["without a validator", { content: NEW_CONTENT, headers: {} }],
  ];
  for (const [what, changed] of changes) {
    test(`are never put beside those of a version ${what}: who reads is cut`, async () => {
      const { edge, origin } = await startChanged(changed);
      await using _ = edge;
      const cut = await fetchOnce(edge, "/a");
      assert.equal(cut.whole, false);
      assert(cut.body.equals(CONTENT.slice(0, cut.body.length)));
      const next = await fetchOnce(edge, "/a");
      assert(next.whole);
      assert(next.body.equals(origin.content.slice(0)));
    });

    test(`of a version ${what} are what a range is answered with after that`, async () => {
      const { edge, origin } = await startChanged(changed);
      await using _ = edge;
      const stored = await fetchOnce(edge, "/a", "range: bytes=0-8");
      assert(stored.body.equals(CONTENT.slice(0, 9)));
      await fetchOnce(edge, "/a");
      const next = await fetchOnce(edge, "/a", "range: bytes=0-8");
      assert.equal(next.status, 206);
      assert(next.body.equals(origin.content.slice(0, 9)));
    });
  }

  test("are of the new version alone once it was stored whole", async () => {
    const { edge, origin } = await startChanged({
      content: NEW_CONTENT,
      headers: { etag: '"b"' },
    });
    await using _ = edge;
    edge.purge("/a");
    await fetchOnce(edge, "/a", `range: bytes=${3 * MIB}-`);
    const whole = await fetchOnce(edge, "/a");
    assert(whole.body.equals(NEW_CONTENT.slice(0)));
    assert.deepEqual(slicesIn(origin.asked).slice(-3), ["3-3", "0-1", "2-2"]);
  });

  test("that are stale are confirmed by one condition, and are all fresh then", async () => {
    const origin = objectOrigin(CONTENT, { etag: '"a"', "cache-control": "max-age=60" });
    const conditions: unknown[] = [];
    await using edge = await startEdge((incoming, response) => {
      const condition = incoming.headers["if-none-match"];
      conditions.push(condition);
      if (condition === undefined) return origin.answer(incoming, response);
      response.writeHead(304, { etag: '"a"', "cache-control": "max-age=60" }).end();
    });
    await fetchOnce(edge, "/a");
    edge.clock.advance(60_000);
    const part = await fetchOnce(edge, "/a", `range: bytes=${MIB}-${MIB}`);
    assert.equal(part.fields.get("x-cache"), "REVALIDATED");
    const whole = await fetchOnce(edge, "/a");
    assert.equal(whole.fields.get("x-cache"), "HIT");
    assert(whole.body.equals(CONTENT.slice(0)));
    assert.deepEqual(conditions, [undefined, '"a"']);
  });
});
