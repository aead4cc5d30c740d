import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { Client } from "../client.ts";
import { fetchOnce, request, startEdge, waitingOrigin } from "../support.ts";

function hint(response: ServerResponse, path: string): void {
  response.writeEarlyHints({ link: `<${path}>; rel=preload` });
}

describe("RFC 9110 §15.2: an interim response", () => {
  test("reaches who waits for the final one, and is not stored with it", async () => {
    await using edge = await startEdge((_incoming, response) => {
      hint(response, "/a.css");
      response.writeHead(200, { "cache-control": "max-age=60" }).end("final");
    });
    using client = new Client(edge.port);
    client.send(request("GET", "/a"));
    const interim = await client.receive();
    assert.deepEqual([interim.status, interim.fields.get("link")], [103, "</a.css>; rel=preload"]);
    assert.equal((await client.receive()).body.toString(), "final");
    client.send(request("GET", "/a"));
    const hit = await client.receive();
    assert.deepEqual([hit.status, hit.fields.get("x-cache")], [200, "HIT"]);
    assert.equal(hit.fields.has("link"), false);
  });

  test("of a fetch behind a reply that is out reaches nobody", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    const headers = { "cache-control": "max-age=60, stale-while-revalidate=60" };
    const first = fetchOnce(edge, "/a");
    (await origin.next()).response.writeHead(200, headers).end("old");
    await first;
    edge.clock.advance(61_000);
    using client = new Client(edge.port);
    client.send(request("GET", "/a"));
    assert.equal((await client.receive()).fields.get("x-cache"), "STALE");
    const { response } = await origin.next();
    hint(response, "/a.css");
    response.writeHead(200, headers).end("new");
    client.send(request("GET", "/a"));
    assert.equal((await client.receive()).status, 200);
  });
});
