import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signTarget } from "#edge/policy/signed-url.ts";
import type { EndpointSettings } from "#feed/entry.ts";
import { type EdgeUnderTest, endpoint, fetchOnce, startEdge } from "../support.ts";
import { NOW } from "./support.ts";

const SECRET = "a-secret-of-the-owner";
const EXPIRES = NOW / 1_000 + 60;

/** An edge with these settings, and the targets that its origin was asked for. */
async function startEdgeWith(settings: EndpointSettings): Promise<{
  readonly edge: EdgeUnderTest;
  readonly asked: readonly string[];
}> {
  const asked: string[] = [];
  const edge = await startEdge((incoming, response) => {
    asked.push((incoming.url ?? "").replace("/static.nyc3", ""));
    response.end("content");
  });
  const settled = { ...endpoint, settings };
  edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint: settled }]);
  return { edge, asked };
}

describe("a query that does not count", () => {
  test("is not in the key, and does not reach the origin", async () => {
    const { edge, asked } = await startEdgeWith({ query: { kind: "only", names: ["v"] } });
    await using _ = edge;
    await fetchOnce(edge, "/a?utm=1&v=1");
    const hit = await fetchOnce(edge, "/a?v=1&utm=2");
    assert.equal(hit.fields.get("x-cache"), "HIT");
    await fetchOnce(edge, "/a?v=2");
    assert.deepEqual(asked, ["/a?v=1", "/a?v=2"]);
  });

  test("is not what a purge is compared with either", async () => {
    const { edge, asked } = await startEdgeWith({ query: { kind: "none" } });
    await using _ = edge;
    await fetchOnce(edge, "/a?x=1");
    edge.purge("/a?x=1");
    await fetchOnce(edge, "/a?x=1");
    edge.purge("/a");
    await fetchOnce(edge, "/a?x=1");
    assert.deepEqual(asked, ["/a", "/a"]);
  });
});

describe("an endpoint that answers signed URLs only", () => {
  const settings = { signedUrls: { secrets: [SECRET] } };

  test("serves all links to one thing from one stored response", async () => {
    const { edge, asked } = await startEdgeWith(settings);
    await using _ = edge;
    const miss = await fetchOnce(edge, signTarget("/a?v=1", SECRET, EXPIRES));
    assert.equal(miss.body.toString(), "content");
    const hit = await fetchOnce(edge, signTarget("/a?v=1", SECRET, EXPIRES + 1));
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.deepEqual(asked, ["/a?v=1"]);
  });

  test("refuses others what is stored, and asks no origin for them", async () => {
    const { edge, asked } = await startEdgeWith(settings);
    await using _ = edge;
    const link = signTarget("/a", SECRET, EXPIRES);
    await fetchOnce(edge, link);
    for (const target of ["/a", link.replace("/a", "/b"), `${link}&x=1`]) {
      const refused = await fetchOnce(edge, target);
      assert.equal(refused.status, 403);
      assert.equal(refused.fields.get("cache-control"), "no-store");
    }
    edge.clock.advance(61_000);
    assert.equal((await fetchOnce(edge, link)).body.toString(), "This URL has expired.\n");
    assert.deepEqual(asked, ["/a"]);
  });
});
