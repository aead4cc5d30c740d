import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { test } from "node:test";
import { countingOrigin, fetchOnce, startEdge } from "../support.ts";

test("RFC 9111 §5.2.2.4: a field that no-cache names is for the first client alone", async () => {
  const { answer } = countingOrigin({
    "cache-control": 'max-age=60, no-cache="set-cookie"',
    "set-cookie": "a=b",
  });
  await using edge = await startEdge(answer, { proxy: {} });
  const [first, second] = [await fetchOnce(edge, "/a"), await fetchOnce(edge, "/a")];
  assert.equal(first.fields.get("set-cookie"), "a=b");
  assert.equal(second.fields.get("x-cache"), "HIT");
  assert.equal(second.fields.has("set-cookie"), false);
});

test("RFC 9111 §3.5: what is stored answers a bearer too, and a bearer's answer only them", async () => {
  const { answer } = countingOrigin({ "cache-control": "max-age=60" });
  await using edge = await startEdge(answer, { proxy: {} });
  const bearer = "authorization: Bearer a";
  const own = await fetchOnce(edge, "/a", bearer);
  assert.equal(own.fields.get("cache-status"), "Atoll; fwd=uri-miss; detail=authorization");
  assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "MISS");
  assert.equal((await fetchOnce(edge, "/a", bearer)).fields.get("x-cache"), "HIT");
});

test("RFC 9111 §5.2.1.7: only-if-cached is a 504, or what is stored", async () => {
  const { answer } = countingOrigin({ "cache-control": "max-age=60" });
  await using edge = await startEdge(answer, { proxy: {} });
  assert.equal((await fetchOnce(edge, "/a", "cache-control: only-if-cached")).status, 504);
  await fetchOnce(edge, "/a");
  const cached = await fetchOnce(edge, "/a", "cache-control: only-if-cached");
  assert.equal(cached.fields.get("x-cache"), "HIT");
});

test("RFC 9110 §15.3.5: a stored 204 has neither content nor a length", async () => {
  const answer: RequestListener = (_incoming, response) => {
    response.writeHead(204, { "cache-control": "max-age=60" }).end();
  };
  await using edge = await startEdge(answer, { proxy: {} });
  await fetchOnce(edge, "/a");
  const { status, fields } = await fetchOnce(edge, "/a");
  assert.equal(status, 204);
  assert.equal(fields.get("x-cache"), "HIT");
  assert.equal(fields.has("content-length"), false);
});
