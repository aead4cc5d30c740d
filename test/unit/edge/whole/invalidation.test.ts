import assert from "node:assert/strict";
import type { OutgoingHttpHeaders, RequestListener } from "node:http";
import { describe, test } from "node:test";
import { Client } from "../client.ts";
import {
  type EdgeUnderTest,
  fetchOnce,
  host,
  request,
  startEdge,
  waitingOrigin,
} from "../support.ts";

const FRESH = { "cache-control": "max-age=60" };

async function xCache(edge: EdgeUnderTest, target: string, ...lines: string[]): Promise<string> {
  const { fields } = await fetchOnce(edge, target, ...lines);
  return fields.get("x-cache") ?? "";
}

async function send(edge: EdgeUnderTest, method: string, target: string): Promise<number> {
  using client = new Client(edge.port);
  client.send(request(method, target));
  return (await client.receive()).status;
}

/** All that is asked for is fresh; what is not a GET is answered with this. */
function originWith(status: number, headers: OutgoingHttpHeaders = {}): RequestListener {
  return ({ method }, response) => {
    if (method === "GET" || method === "HEAD") response.writeHead(200, FRESH).end("stored");
    else response.writeHead(status, headers).end();
  };
}

describe("RFC 9111 §4.4: an unsafe request that succeeds", () => {
  const methods = ["POST", "PUT", "DELETE", "PATCH", "MKCOL"];
  for (const method of methods) {
    test(`by ${method} drops its target, and no other`, async () => {
      await using edge = await startEdge(originWith(200), { proxy: {} });
      for (const target of ["/a", "/a?b", "/c"]) await fetchOnce(edge, target);
      assert.equal(await send(edge, method, "/a"), 200);
      assert.equal(await xCache(edge, "/a"), "MISS");
      assert.equal(await xCache(edge, "/a?b"), "HIT");
      assert.equal(await xCache(edge, "/c"), "HIT");
    });
  }

  const references: readonly (readonly [
    field: string,
    value: string,
    target: string,
    next: "HIT" | "MISS",
  ])[] = [
    ["location", "/b", "/b", "MISS"],
    ["location", "b?c", "/dir/b?c", "MISS"],
    ["location", `http://${host}/b`, "/b", "MISS"],
    ["location", `//${host}/b`, "/b", "MISS"],
    ["location", "http://other.test/b", "/b", "HIT"],
    ["location", `https://${host}/b`, "/b", "HIT"],
    ["content-location", "/b", "/b", "MISS"],
    ["content-location", "/%62", "/%62", "MISS"],
    ["content-location", "http://other.test/b", "/b", "HIT"],
    ["link", "</b>", "/b", "HIT"],
  ];
  for (const [field, value, target, next] of references) {
    const verb = next === "MISS" ? "drops" : "leaves";
    test(`${verb} ${target} for ${field}: ${value}`, async () => {
      await using edge = await startEdge(originWith(201, { [field]: value }), { proxy: {} });
      await fetchOnce(edge, target);
      assert.equal(await send(edge, "POST", "/dir/a"), 201);
      assert.equal(await xCache(edge, target), next);
    });
  }

  test("leaves all as it was where it fails", async () => {
    for (const status of [400, 404, 500]) {
      const answer = originWith(status, { location: "/b" });
      await using edge = await startEdge(answer, { proxy: {} });
      for (const target of ["/a", "/b"]) await fetchOnce(edge, target);
      assert.equal(await send(edge, "DELETE", "/a"), status);
      for (const target of ["/a", "/b"]) assert.equal(await xCache(edge, target), "HIT");
    }
  });

  test("drops all variants of its target", async () => {
    const answer: RequestListener = ({ method, headers }, response) => {
      response.writeHead(200, { ...FRESH, vary: "accept" });
      response.end(method === "GET" ? headers.accept : "");
    };
    await using edge = await startEdge(answer, { proxy: {} });
    const types = ["text/html", "text/plain", "image/png"].map((type) => `accept: ${type}`);
    for (const line of types) await fetchOnce(edge, "/a", line);
    for (const line of types) assert.equal(await xCache(edge, "/a", line), "HIT");
    await send(edge, "PUT", "/a");
    for (const line of types) assert.equal(await xCache(edge, "/a", line), "MISS");
  });

  test("drops variants that came by another Vary before", async () => {
    let vary = "accept";
    const answer: RequestListener = (_incoming, response) => {
      response.writeHead(200, { ...FRESH, vary }).end();
    };
    await using edge = await startEdge(answer, { proxy: {} });
    await fetchOnce(edge, "/a", "accept: a");
    vary = "accept-language";
    await fetchOnce(edge, "/a", "accept: b");
    await send(edge, "PUT", "/a");
    vary = "accept";
    await fetchOnce(edge, "/a", "accept: c");
    assert.equal(await xCache(edge, "/a", "accept: a"), "MISS");
  });

  test("is not undone by a fetch of a variant that was on its way", async () => {
    const origin = waitingOrigin();
    const answer: RequestListener = (incoming, response) => {
      if (incoming.method === "PUT") response.end();
      else origin.answer(incoming, response);
    };
    await using edge = await startEdge(answer, { proxy: {} });
    const varying = { ...FRESH, vary: "accept" };
    const html = fetchOnce(edge, "/a", "accept: text/html");
    (await origin.next()).response.writeHead(200, varying).end("old");
    await html;

    const before = fetchOnce(edge, "/a", "accept: text/plain");
    const { response } = await origin.next();
    await send(edge, "PUT", "/a");
    // Who comes after it does not wait for what was asked for before.
    const after = fetchOnce(edge, "/a", "accept: text/plain");
    (await origin.next()).response.writeHead(200, varying).end("new");
    assert.equal((await after).body.toString(), "new");
    response.writeHead(200, varying).end("old");
    assert.equal((await before).body.toString(), "old");
    assert.equal((await fetchOnce(edge, "/a", "accept: text/plain")).body.toString(), "new");
  });
});

describe("RFC 9110 §9.2.1: a safe request", () => {
  for (const method of ["OPTIONS", "TRACE", "HEAD"]) {
    test(`by ${method} leaves what is stored`, async () => {
      await using edge = await startEdge(originWith(200), { proxy: {} });
      await fetchOnce(edge, "/a");
      using client = new Client(edge.port);
      client.send(request(method, "/a"));
      assert.equal((await client.receive(method)).status, 200);
      assert.equal(await xCache(edge, "/a"), "HIT");
    });
  }
});
