import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { describe, test } from "node:test";
import { Client, type Received } from "../client.ts";
import {
  countingOrigin,
  type EdgeUnderTest,
  endpoint,
  fetchOnce,
  request,
  startEdge,
} from "../support.ts";
import { APP, RULE } from "./support.ts";

const OTHER = "https://other.example";
const ALL = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
const RULES = [RULE, { ...RULE, allowedOrigins: [OTHER], exposeHeaders: ["etag"] }];

async function startEdgeWithRules(answer: RequestListener): Promise<EdgeUnderTest> {
  const edge = await startEdge(answer);
  const ruled = { ...endpoint, cors: RULES };
  edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint: ruled }]);
  return edge;
}

async function preflight(edge: EdgeUnderTest, ...lines: string[]): Promise<Received> {
  using client = new Client(edge.port);
  client.send(request("OPTIONS", "/a", ...lines));
  return await client.receive();
}

/** What a reply says to other origins. */
function saidIn({ fields }: Received): Record<string, string | undefined> {
  const names = ["access-control-allow-origin", "access-control-expose-headers", "vary"];
  return Object.fromEntries(names.map((name) => [name, fields.get(name)]));
}

describe("a Space with rules for other origins", () => {
  test("gives each its own answer of one stored response, whoever came first", async () => {
    const origin = countingOrigin();
    await using edge = await startEdgeWithRules(origin.answer);
    const none = {
      "access-control-allow-origin": undefined,
      "access-control-expose-headers": undefined,
    };
    assert.deepEqual(saidIn(await fetchOnce(edge, "/a")), { ...none, vary: ALL });

    const first = await fetchOnce(edge, "/a", `origin: ${APP}`);
    assert.equal(first.fields.get("x-cache"), "HIT");
    const said = { "access-control-allow-origin": APP, "access-control-expose-headers": undefined };
    assert.deepEqual(saidIn(first), { ...said, vary: ALL });

    const second = await fetchOnce(edge, "/a", `origin: ${OTHER}`);
    const others = {
      "access-control-allow-origin": OTHER,
      "access-control-expose-headers": "etag",
    };
    assert.deepEqual(saidIn(second), { ...others, vary: ALL });

    assert.deepEqual(saidIn(await fetchOnce(edge, "/a")), { ...none, vary: ALL });
    assert.equal(origin.fetches, 1);
  });

  test("answers preflights without the origin", async () => {
    const origin = countingOrigin();
    await using edge = await startEdgeWithRules(origin.answer);
    const asking = ["access-control-request-method: GET", "access-control-request-headers: x-app"];
    const allowed = await preflight(edge, `origin: ${APP}`, ...asking);
    assert.equal(allowed.status, 200);
    assert.equal(allowed.body.length, 0);
    assert.equal(allowed.fields.get("content-length"), "0");
    assert.equal(allowed.fields.get("access-control-allow-origin"), APP);
    assert.equal(allowed.fields.get("access-control-allow-headers"), "x-app");
    const refused = await preflight(edge, "origin: https://evil.example", ...asking);
    assert.equal(refused.status, 403);
    assert.equal(refused.fields.get("access-control-allow-origin"), undefined);
    assert.equal(origin.fetches, 0);
  });

  test("never repeats what its store says to other origins", async () => {
    const own = {
      "access-control-allow-origin": "*",
      "access-control-max-age": "9",
      vary: "Origin",
    };
    const { answer } = countingOrigin({ etag: '"a"', ...own });
    await using edge = await startEdgeWithRules(answer);
    for (const target of ["/a", "/a", "/a?X-Amz-Signature=1"]) {
      const reply = await fetchOnce(edge, target, `origin: ${APP}`);
      assert.equal(reply.fields.get("access-control-allow-origin"), APP);
      assert.equal(reply.fields.get("access-control-max-age"), undefined);
      assert.equal(reply.fields.get("vary"), ALL);
    }
    const notModified = await fetchOnce(edge, "/a", `origin: ${APP}`, 'if-none-match: "a"');
    assert.equal(notModified.status, 304);
    assert.equal(notModified.fields.get("access-control-allow-origin"), APP);
  });

  test("lets a page read why it has failed", async () => {
    await using edge = await startEdgeWithRules((incoming) => incoming.socket.destroy());
    const reply = await fetchOnce(edge, "/a", `origin: ${APP}`);
    assert.equal(reply.status, 502);
    assert.equal(reply.fields.get("access-control-allow-origin"), APP);
  });

  test("is answered by new rules at once, from what is stored", async () => {
    const origin = countingOrigin();
    await using edge = await startEdgeWithRules(origin.answer);
    await fetchOnce(edge, "/a", `origin: ${APP}`);
    const ruled = { ...endpoint, cors: [{ ...RULE, allowedOrigins: ["*"] }] };
    edge.feed.apply([{ number: edge.feed.number + 1, kind: "endpoint-put", endpoint: ruled }]);
    const reply = await fetchOnce(edge, "/a", `origin: ${APP}`);
    assert.equal(reply.fields.get("access-control-allow-origin"), "*");
    assert.equal(reply.fields.get("x-cache"), "HIT");
    assert.equal(origin.fetches, 1);
  });
});
