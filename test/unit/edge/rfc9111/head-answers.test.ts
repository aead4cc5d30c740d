import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import { describe, test } from "node:test";
import { Client } from "../client.ts";
import { fetchOnce, request, roundTrip, startEdge, waitingOrigin } from "../support.ts";

const STORED = { etag: '"a"', "cache-control": "max-age=60", "x-a": "old", "content-length": 3 };

/**
 * A HEAD that reaches the origin as such: it has waited for an answer that was for another request.
 * While the origin has it something is stored; then it answers. Resolves with what a GET gets next.
 */
async function afterHead(headers: OutgoingHttpHeaders, { status = 200, waitMs = 0 } = {}) {
  const origin = waitingOrigin();
  const edge = await startEdge(origin.answer, { proxy: {} });
  await using stack = new AsyncDisposableStack();
  stack.use(edge);
  using first = new Client(edge.port);
  using second = new Client(edge.port);
  first.send(request("HEAD", "/a"));
  const fill = await origin.next();
  second.send(request("HEAD", "/a"));
  await roundTrip(edge);
  fill.response.writeHead(200, { "cache-control": "no-store" }).end("for one");
  await first.receive("HEAD");
  const head = await origin.next();
  assert.equal(head.incoming.method, "HEAD");
  const stored = fetchOnce(edge, "/a");
  const get = await origin.next();
  get.response.writeHead(200, STORED).end("all");
  assert.equal((await stored).fields.get("cache-status"), "Atoll; fwd=uri-miss; stored");
  head.response.writeHead(status, headers).end();
  assert.equal((await second.receive("HEAD")).status, status);
  edge.clock.advance(waitMs);
  const next = fetchOnce(edge, "/a");
  const answered = origin.next().then(({ response }) => void response.writeHead(200).end("new"));
  const { fields, body } = await Promise.race([next, answered.then(() => next)]);
  return { cache: fields.get("x-cache"), x: fields.get("x-a"), body: body.toString() };
}

describe("RFC 9111 §4.3.5: an answer to HEAD", () => {
  test("with the same validators freshens what is stored, fields and age", async () => {
    const headers = { etag: '"a"', "cache-control": "max-age=600", "x-a": "new" };
    const next = await afterHead(headers, { waitMs: 500_000 });
    assert.deepEqual(next, { cache: "HIT", x: "new", body: "all" });
  });

  const outdating: readonly (readonly [string, OutgoingHttpHeaders])[] = [
    ["another ETag", { etag: '"b"', "cache-control": "max-age=60" }],
    ["another length", { etag: '"a"', "cache-control": "max-age=60", "content-length": 4 }],
    ["no-store", { etag: '"a"', "cache-control": "no-store" }],
    ["another Vary", { etag: '"a"', "cache-control": "max-age=60", vary: "accept" }],
  ];
  for (const [what, headers] of outdating) {
    test(`with ${what} has it fetched anew`, async () => {
      assert.deepEqual(await afterHead(headers), { cache: "MISS", x: undefined, body: "new" });
    });
  }

  test("that is no 200 leaves what is stored as it was", async () => {
    const next = await afterHead({ etag: '"b"' }, { status: 503 });
    assert.deepEqual(next, { cache: "HIT", x: "old", body: "all" });
  });
});
